// The program `logits`: what it prints for a small model, and what it says of bad input.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "kernels/decode/greedy.h"
#include "kernels/model/gguf_writer.h"
#include "tests/decoder_fixture.h"
#include "tests/run_program.h"

namespace wattline::kernels::logits_test {
namespace {

class LogitsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    model_ = SmallModel(SmallShape(), "q8_0");
    ASSERT_EQ(ModelGguf(*model_).Write(Path()), "");
  }
  static void TearDownTestSuite() {
    std::remove(Path().c_str());
    model_.reset();
  }

  static std::string Path() { return testing::TempDir() + "logits_test.gguf"; }
  static ProgramRun Logits(const std::string& flags) {
    return RunProgram(WATTLINE_LOGITS " " + flags, testing::TempDir() + "logits_test.err");
  }
  static ProgramRun WithModel(const std::string& flags) {
    return Logits("--model=" + Path() + " " + flags);
  }
  // One sentence on stderr that holds `word`, nothing on stdout.
  static void ExpectError(const ProgramRun& run, int code, const std::string& word) {
    EXPECT_EQ(run.code, code) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_NE(run.err.find(word), std::string::npos) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }

  static std::shared_ptr<Model> model_;
};

std::shared_ptr<Model> LogitsTest::model_;

TEST_F(LogitsTest, TheReferenceBackendPrintsTheReferenceDecodersLogits) {
  const ProgramRun run = WithModel("--tokens=1,2,3 --top=4 --generate=3 --backend=reference");
  ASSERT_EQ(run.code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  const std::vector<float> expected = ReferenceLogits(*model_, {1, 2, 3});
  const int64_t vocab = model_->shape.vocab;
  ASSERT_EQ(json["positions"].size(), 3u);
  for (int64_t i = 0; i < 3; ++i) {
    const auto& position = json["positions"][static_cast<size_t>(i)];
    EXPECT_EQ(position["token"], i + 1);
    ASSERT_EQ(position["top"].size(), 4u);
    double last = INFINITY;
    for (const auto& entry : position["top"]) {
      EXPECT_EQ(entry[1].get<float>(), expected[entry[0].get<size_t>() + i * vocab]);
      EXPECT_LE(entry[1].get<double>(), last);
      last = entry[1].get<double>();
    }
    EXPECT_EQ(position["top"][0][0],
              Argmax({expected.data() + i * vocab, static_cast<size_t>(vocab)}));
  }
  ASSERT_EQ(json["greedy"].size(), 3u);
  EXPECT_EQ(json["greedy"][0], json["positions"][2]["top"][0][0]);
}

TEST_F(LogitsTest, EveryCpuBackendPrintsLogitsNearThem) {
  const std::vector<float> expected = ReferenceLogits(*model_, {5, 6, 7, 8});
  const double bound = BoundOf(*model_, 1).worst * RootMeanSquare(expected);
  std::vector<std::string> names = {"cpu"};
  for (const Backend* backend : UsableCpuBackends()) names.emplace_back(backend->name);
  for (const std::string& name : names) {
    for (const char* way : {"", " --one_by_one", " --threads=1"}) {
      const ProgramRun run = WithModel("--tokens=5,6,7,8 --backend=" + name + way);
      ASSERT_EQ(run.code, 0) << run.err;
      const auto json = nlohmann::json::parse(run.out);
      EXPECT_TRUE(json["greedy"].empty());
      ASSERT_EQ(json["positions"].size(), 4u);
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(json["positions"][i]["top"].size(), 10u);
        for (const auto& entry : json["positions"][i]["top"]) {
          EXPECT_NEAR(
              entry[1].get<double>(),
              expected[entry[0].get<size_t>() + i * static_cast<size_t>(model_->shape.vocab)],
              bound)
              << name << way;
        }
      }
    }
  }
}

TEST_F(LogitsTest, WrongUseIsOneSentenceAndExitCode2) {
  ExpectError(WithModel("--tokens=1,x,3"), 2, "'x'");
  ExpectError(WithModel("--tokens=1,,3"), 2, "''");
  ExpectError(WithModel("--tokens=-1"), 2, "'-1'");
  ExpectError(WithModel("--tokens=99999999999999"), 2, "'99999999999999'");
  ExpectError(WithModel("--tokens=1,1000"), 2, "1000");
  ExpectError(WithModel("--tokens=1 --backend=abacus"), 2, "'abacus'");
  ExpectError(WithModel("--tokens=1 --frobnicate"), 2, "--frobnicate");
  ExpectError(WithModel("--tokens=1 --threads=0"), 2, "threads");
  ExpectError(WithModel("--tokens=1 --generate=-3"), 2, "generate");
  ExpectError(WithModel(""), 2, "--tokens");
  ExpectError(Logits("--tokens=1"), 2, "--model");
}

TEST_F(LogitsTest, AFileThatCannotBeReadIsOneSentenceAndExitCode1) {
  ExpectError(Logits("--model=/nonexistent.gguf --tokens=1"), 1, "/nonexistent.gguf");
  const std::string text = testing::TempDir() + "logits_test.txt";
  FILE* file = fopen(text.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs("this is no model\n", file);
  fclose(file);
  ExpectError(Logits("--model=" + text + " --tokens=1"), 1, text);
  std::remove(text.c_str());
}

TEST_F(LogitsTest, HelpFitsAScreenAndShowsAnExample) {
  const ProgramRun run = Logits("--help");
  EXPECT_EQ(run.code, 0);
  EXPECT_LE(std::count(run.out.begin(), run.out.end(), '\n'), 24) << run.out;
  EXPECT_NE(run.out.find("Example: build/bin/logits --model="), std::string::npos) << run.out;
}

}  // namespace
}  // namespace wattline::kernels::logits_test
