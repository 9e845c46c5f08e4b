// The Core ML backend against a runtime that answers as Apple's does: what is asked of it, what
// becomes of its answers and of its failures.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/encode/encode_coreml.h"
#include "kernels/encode/random_bert.h"
#include "tests/decoder_fixture.h"
#include "tests/fakes/fake_coreml.h"
#include "tests/folder_test.h"

namespace wattline::kernels::coreml_test {
namespace {

class CoreMlTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    void* library = dlopen(WATTLINE_FAKE_COREML, RTLD_NOW | RTLD_LOCAL);
    fake_ = reinterpret_cast<FakeCoreMl* (*)()>(dlsym(library, "fake_coreml"))();
    *fake_ = FakeCoreMl{};
    options_ = {{WATTLINE_FAKE_COREML, WATTLINE_FAKE_COREML, WATTLINE_FAKE_COREML}, Path("models")};
    fake_->compiled_path = Path("temporary/bert.mlmodelc");
    std::filesystem::create_directories(fake_->compiled_path);
    std::filesystem::create_directories(Package());
    ModelShape shape = SmallShape();
    shape.name = "bert-base";
    shape.layers = 1;
    shape.kv_heads = shape.heads;
    bert_ = MakeRandomBert(shape, "f16", 1, pool_);
    sentence_ = RandomSentence(shape, 11, 2);
  }
  std::string Package(int64_t tokens = 11) const {
    return CoreMlPackage(options_, "bert-base", tokens);
  }
  MadeWork Make(CoreMlUnits units = CoreMlUnits::kCpuAndNeuralEngine) {
    return MakeCoreMlEncode(options_, units, Case());
  }
  EncodeCase Case() const { return {bert_.model.get(), sentence_.tokens, sentence_.segments}; }
  std::vector<float> Expected() const {
    std::vector<float> values;
    for (int64_t t = 0; t < 11; ++t) {
      for (int64_t i = 0; i < 256; ++i) values.push_back(FakeHidden(*fake_, t, i));
    }
    for (int64_t i = 0; i < 256; ++i) values.push_back(FakePooled(i));
    return values;
  }

  FakeCoreMl* fake_ = nullptr;
  CoreMlOptions options_;
  ThreadPool pool_{1};
  LoadedBert bert_;
  Sentence sentence_;
};

TEST_F(CoreMlTest, TheSentenceGoesInAndTheOutputsComeBackRowMajor) {
  for (const int64_t row_stride : {256, 288}) {
    for (const int64_t type : {0x10000 | 16, 0x10000 | 32}) {
      fake_->row_stride = row_stride;
      fake_->output_type = type;
      const MadeWork made = Make();
      ASSERT_TRUE(made.work) << made.why_not;
      made.work->Run();
      EXPECT_EQ(fake_->inputs["tokens"], sentence_.tokens);
      EXPECT_EQ(fake_->inputs["segments"], sentence_.segments);
      EXPECT_EQ(made.work->Result(), Expected()) << row_stride << " " << type;
    }
  }
}

TEST_F(CoreMlTest, EachBackendAsksForItsOwnUnits) {
  // The numbers of MLComputeUnits in MLModelConfiguration.h.
  const std::pair<CoreMlUnits, int64_t> units[] = {{CoreMlUnits::kCpu, 0},
                                                   {CoreMlUnits::kCpuAndGpu, 1},
                                                   {CoreMlUnits::kAll, 2},
                                                   {CoreMlUnits::kCpuAndNeuralEngine, 3}};
  for (const auto& [asked, number] : units) {
    ASSERT_TRUE(Make(asked).work);
    EXPECT_EQ(fake_->units, number);
    EXPECT_EQ(fake_->package, Package());
  }
  EXPECT_EQ(Make(CoreMlUnits::kCpuAndNeuralEngine).work->Kernel(),
            "compute units cpuAndNeuralEngine");
}

TEST_F(CoreMlTest, EachRunIsOnePredictionAndNothingIsKept) {
  {
    const MadeWork made = Make();
    const int before = fake_->predictions;
    made.work->Run();
    const long held = fake_->objects;
    for (int i = 0; i < 10; ++i) made.work->Run();
    made.work->Result();
    EXPECT_EQ(fake_->predictions, before + 11);
    EXPECT_EQ(fake_->objects, held);
    EXPECT_TRUE(std::filesystem::exists(fake_->compiled_path));
  }
  EXPECT_EQ(fake_->objects, 0);
  EXPECT_FALSE(std::filesystem::exists(fake_->compiled_path));
}

TEST_F(CoreMlTest, AFailureIsASentenceWithCoreMlsOwnWords) {
  fake_->compile_error = "the spec is too new";
  EXPECT_EQ(Make().why_not, "Core ML: compiling " + Package() + " failed: the spec is too new");
  fake_->compile_error.clear();
  fake_->load_error = "no plan";
  EXPECT_EQ(Make().why_not, "Core ML: loading " + Package() + " failed: no plan");
  fake_->load_error.clear();
  fake_->input_error = "too large";
  EXPECT_EQ(Make().why_not, "Core ML: making the input tokens failed: too large");
  fake_->input_error.clear();
  fake_->predict_error = "the engine is busy";
  EXPECT_EQ(Make().why_not, "Core ML: a prediction failed: the engine is busy");
  fake_->predict_error.clear();
  fake_->has_pooled = false;
  EXPECT_EQ(Make().why_not, "Core ML: the output pooled failed: no reason given");
  EXPECT_EQ(fake_->objects, 0);
}

TEST_F(CoreMlTest, AnotherModelInThePackageIsAFailure) {
  fake_->dim = 200;
  EXPECT_EQ(Make().why_not, "Core ML's package gives 2400 values where 3072 are due");
  fake_->dim = 256;
  fake_->output_type = 0x20000 | 32;
  EXPECT_EQ(Make().why_not, "Core ML's output has the type 0x20020, no float that is known here");
}

TEST_F(CoreMlTest, APredictionThatFailsLaterIsNotTimed) {
  const MadeWork made = Make();
  fake_->predict_error = "the engine is gone";
  EXPECT_THROW(made.work->Run(), std::runtime_error);
  EXPECT_THROW(made.work->Run(), std::runtime_error);
}

TEST_F(CoreMlTest, WhatIsMissingIsSaidInOneSentence) {
  EXPECT_EQ(WhyNotCoreMl(options_),
            "there is no " + Package(128) + ": tools/coreml_package --tokens=128 writes it");
  std::filesystem::create_directories(Package(128));
  EXPECT_EQ(WhyNotCoreMl(options_), "");
  std::filesystem::remove_all(Package());
  EXPECT_EQ(Make().why_not,
            "there is no " + Package() + ": tools/coreml_package --tokens=11 writes it");
  fake_->missing_class = "MLModel";
  EXPECT_EQ(WhyNotCoreMl(options_), "this macOS has no class MLModel");
  options_.libraries.core_ml = "/no/such/CoreML";
  EXPECT_EQ(WhyNotCoreMl(options_), "needs macOS: /no/such/CoreML cannot be opened");
  options_.libraries.objc = "/no/such/libobjc.dylib";
  EXPECT_EQ(WhyNotCoreMl(options_), "needs macOS: there is no Objective-C runtime here");
}

TEST_F(CoreMlTest, OtherModelsAndFormatsAreRefused) {
  bert_.model->format = "bf16";
  EXPECT_EQ(Make().why_not, "Core ML's packages hold bert-base in f16");
  bert_.model->format = "f16";
  sentence_.tokens[0] = -1;
  EXPECT_EQ(Make().why_not, "token -1 is none of the vocabulary's 1000");
}

TEST(CoreMlBackendsTest, AreFourOfF16OnlyAndNeedMacOs) {
  setenv("WATTLINE_COREML", "/some/where", 1);
  EXPECT_EQ(CoreMlPackage(CoreMlOptionsOfEnvironment(), "bert-base", 128),
            "/some/where/bert-base.f16.tokens128.mlpackage");
  unsetenv("WATTLINE_COREML");
  for (const char* name : {"coreml_cpu", "coreml_gpu", "coreml_ane", "coreml_all"}) {
    const Backend* backend = FindBackend(name);
    ASSERT_NE(backend, nullptr) << name;
    EXPECT_TRUE(IsCoreMl(*backend));
    EXPECT_TRUE(Holds(*backend, "f16"));
    EXPECT_FALSE(Holds(*backend, "bf16"));
    EXPECT_NE(backend->encode, nullptr);
#if !defined(__APPLE__)
    EXPECT_EQ(backend->why_not(), "needs macOS: there is no Objective-C runtime here");
#endif
  }
}

}  // namespace
}  // namespace wattline::kernels::coreml_test
