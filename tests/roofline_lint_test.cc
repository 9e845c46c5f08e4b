// `roofline lint` as a program: what the kernels' laws know of each row, claims, exit codes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/folder_test.h"
#include "tests/run_program.h"

namespace wattline::roofline_lint_test {
namespace {

using Json = nlohmann::ordered_json;
using Rules = std::vector<std::string>;

constexpr const char* kData = WATTLINE_SOURCE_DIR "/tests/data/";

class LintProgramTest : public FolderTest {
 protected:
  std::string Write(const std::string& file, const Json& json) const {
    return FolderTest::Write(file, json.dump());
  }
  // A results file with one row.
  std::string WriteRow(const std::string& name, Json row) const {
    row["name"] = name;
    row["run_type"] = "iteration";
    return Write("results.json", {{"context", {{"chip", "chip"}}}, {"benchmarks", {row}}});
  }
  ProgramRun Run(const std::string& flags) const {
    return RunProgram(std::string(WATTLINE_ROOFLINE) + " lint " + flags, Path("err"));
  }
  // The rules of the findings, in their order.
  std::vector<std::string> RulesOf(const std::string& flags) const {
    std::vector<std::string> rules;
    for (const Json& one : Json::parse(Run(flags + " --output=json").out)) {
      rules.push_back(one["rule"]);
    }
    return rules;
  }
};

TEST_F(LintProgramTest, AFileOfBenchIsClean) {
  const ProgramRun run = Run(std::string(kData) + "decode_emerald_rapids_vm.json");
  EXPECT_EQ(run.code, 0) << run.out;
  EXPECT_EQ(run.out, "lint: no findings\n");
}

TEST_F(LintProgramTest, TwoFilesOfTheEarlierSuiteFire) {
  const std::string both =
      std::string(kData) + "mac_ml_benchmark_m5.json " + kData + "mac_ml_benchmark_m4_pro.json";
  EXPECT_EQ(Run(both).code, 3);
  const Rules rules = RulesOf(both);
  EXPECT_EQ(rules.size(), 19u);
  for (const char* rule :
       {"copy-as-read", "prefill-as-decode", "speedup-not-of-rows", "spec-differs", "sparse-peak",
        "flop-held-constant", "above-claimed-peak", "cold-first-run", "gib-as-gb",
        "zero-for-absent", "rate-swings"}) {
    EXPECT_NE(std::find(rules.begin(), rules.end(), rule), rules.end()) << rule;
  }
}

// 32 heads of 128, 512 tokens: 4 x 128 x 32 x 512 x 513 / 2 = 2.152 GFLOP causal, 4.295 GFLOP full.
TEST_F(LintProgramTest, TheLawOfAttentionIsTheKernels) {
  const std::string name = "attention/causal/f16/heads:32/kv_heads:8/head_dim:128/tokens:512/mlx";
  const auto counted = [&](double gflop) {
    return RulesOf(WriteRow(name, {{"real_time", 1.0}, {"time_unit", "ms"}, {"TFLOPS", gflop}}));
  };
  EXPECT_EQ(counted(4.294967296), Rules{"attention-not-causal"});
  EXPECT_EQ(counted(2.151677952), Rules{});
}

// mistral-7b has 7,241,732,096 parameters: in f16 with its f32 norms 14.484 GB, 13.49 GiB.
TEST_F(LintProgramTest, TheBytesOfAModelAreTheKernels) {
  const auto weights = [&](double gb) {
    return RulesOf(WriteRow("decode/mistral-7b/f16/ctx:512/mlx", {{"weights_GB", gb}}));
  };
  EXPECT_EQ(weights(13.4895), Rules{"gib-as-gb"});
  EXPECT_EQ(weights(14.484), Rules{});
  EXPECT_EQ(RulesOf(WriteRow("decode/no-such-model/f16/ctx:512/mlx", {{"weights_GB", 13.4895}})),
            Rules{});
}

TEST_F(LintProgramTest, BytesOfEachFixtureAreTheKernels) {
  // Bytes: 2 x 512^2 x 2 + 512^2 x 4; 4096^2 x (18 / 32 + 4); 4096^2 x 18 / 32 + (4096 + 4096) x 4;
  // 512 x 4096 x (2 + 4) + 4096^2 x 2, and with 4 bytes for A's 2.
  for (const auto& [name, byte] : {std::pair{"gemm/512x512x512/bf16/onednn", 2097152.0},
                                   std::pair{"dequant/4096x4096/q4_0/to:f32/cpu", 76546048.0},
                                   std::pair{"gemm/1x4096x4096/q4_0/weights:cold/cpu", 9469952.0},
                                   std::pair{"gemm/512x4096x4096/f16/mlx", 46137344.0},
                                   std::pair{"gemm/512x4096x4096/f16/cpu", 50331648.0}}) {
    const auto rate = [&](double gb_per_s) {
      return RulesOf(
          WriteRow(name, {{"real_time", 1.0}, {"time_unit", "s"}, {"GB/s", gb_per_s * 1e-9}}));
    };
    EXPECT_EQ(rate(byte), Rules{}) << name;
    EXPECT_EQ(rate(byte / 1.073741824), Rules{"gib-as-gb"}) << name;
  }
}

// An M5's decode at 153 GB/s: mistral-7b in f16 at most 153 / 14.4 = 10.6 tok/s.
TEST_F(LintProgramTest, DecodeIsHeldAgainstTheModelsBytes) {
  const auto decode = [&](double tok_per_s) {
    Json row = {{"name", "decode/mistral-7b/f16/ctx:512/mlx"}, {"tok/s", tok_per_s}};
    return RulesOf(
        Write("results.json", {{"context", {{"chip", "Apple M5"}}}, {"benchmarks", {row}}}));
  };
  EXPECT_EQ(decode(10.5), Rules{});
  EXPECT_EQ(decode(11.5), Rules{"decode-above-bandwidth"});
}

TEST_F(LintProgramTest, NamesWithImpossibleNumbersAreOfNoKnownWork) {
  for (const char* name :
       {"gemm/99999999x99999999x99999999/bf16/cpu", "gemm/0x1x1/f32/cpu", "gemm/1x1/f32/cpu",
        "attention/causal/f16/heads:1e9/kv_heads:1/head_dim:64/tokens:512/cpu",
        "attention/causal/f16/heads:1/kv_heads:1/head_dim:64/tokens:-5/cpu",
        "decode/mistral-7b/f16/ctx:1e300/cpu", "decode/mistral-7b/q9_9/ctx:1/cpu",
        "decode/bert-base/f16/ctx:1/cpu", "block/mistral-7b/f16/tokens:nan/cpu",
        "dequant/4096x7/q4_0/to:f32/cpu", "dequant/4096x4096/q4_0/to:f16/cpu"}) {
    const ProgramRun run = Run(
        WriteRow(name, {{"real_time", 1.0}, {"time_unit", "s"}, {"GB/s", 1.0}, {"TFLOPS", 1e-9}}));
    EXPECT_EQ(run.code, 0) << name << "\n" << run.out << run.err;
  }
}

TEST_F(LintProgramTest, ClaimsComeFromAFileToo) {
  const std::string results = WriteRow("gemm/512x512x512/f16/mlx", {{"TFLOPS", 5.0}});
  const Json claim = {{"what", "peak"},   {"value", 624},   {"unit", "TFLOPS"},
                      {"where", "slide"}, {"chip", "A100"}, {"format", "f16"}};
  const std::string claims = Write("claims.json", {{"claims", {claim}}});
  EXPECT_EQ(RulesOf(results), Rules{});
  EXPECT_EQ(RulesOf(results + " --claims=" + claims), Rules{"sparse-peak"});
  const ProgramRun run = Run(results + " --claims=" + claims);
  EXPECT_EQ(run.code, 3);
  EXPECT_NE(run.out.find("sparse-peak: results.json: peak 624 TFLOPS (slide)"), std::string::npos)
      << run.out;
}

TEST_F(LintProgramTest, EachOutputFormatHasTheFinding) {
  const std::string file = std::string(kData) + "token_power_bench.json";
  for (const char* format : {"table", "md", "csv", "json"}) {
    const ProgramRun run = Run(file + " --output=" + format);
    EXPECT_EQ(run.code, 3) << format;
    EXPECT_NE(run.out.find("zero-for-absent"), std::string::npos) << format;
    EXPECT_NE(run.out.find("decode/llama-3.1-8b/batch:512/vllm"), std::string::npos) << format;
  }
  EXPECT_EQ(Run(std::string(kData) + "decode_emerald_rapids_vm.json --output=json").out, "[]\n");
}

TEST_F(LintProgramTest, WrongUseIsOneSentenceAndCode2) {
  const std::string good = WriteRow("gemm/512x512x512/f16/mlx", {{"TFLOPS", 5.0}});
  const std::string bad_claim = Write(
      "bad.json", Json::parse(R"([{"what": "speed", "value": 1, "unit": "x", "where": "y"}])"));
  for (const std::string& flags :
       {std::string(), std::string("missing.json"), good + " --claims=" + bad_claim,
        good + " --fit=" + good, good + " --output=html"}) {
    const ProgramRun run = Run(flags);
    EXPECT_EQ(run.code, 2) << flags;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << flags << "\n" << run.err;
  }
}

}  // namespace
}  // namespace wattline::roofline_lint_test
