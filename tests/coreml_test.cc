// The Core ML backends against a runtime that answers as Apple's does: what is asked of it, what
// becomes of its answers and of its failures; the encoder and one block.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/block/block_coreml.h"
#include "kernels/encode/encode_coreml.h"
#include "kernels/encode/random_bert.h"
#include "kernels/float16.h"
#include "kernels/model/random_model.h"
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
    shape_ = SmallShape();
    shape_.name = "bert-base";
    shape_.layers = 1;
    shape_.kv_heads = shape_.heads;
    bert_ = MakeRandomBert(shape_, "f16", 1, pool_);
    sentence_ = RandomSentence(shape_, 11, 2);
  }
  std::string Package(int64_t tokens = 11) const {
    return PathOf(options_, kCoreMlEncoder, tokens);
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
  ModelShape shape_;
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
  const std::string block = PathOf(options_, kCoreMlBlock, 128);
  EXPECT_EQ(WhyNotCoreMl(options_), "there is neither " + Package(128) + " nor " + block +
                                        ": tools/coreml_package writes the first, with --block the "
                                        "second");
  for (const std::string& package : {Package(128), block}) {
    std::filesystem::create_directories(package);
    EXPECT_EQ(WhyNotCoreMl(options_), "");
    std::filesystem::remove_all(package);
  }
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

class CoreMlBlockTest : public CoreMlTest {
 protected:
  void SetUp() override {
    CoreMlTest::SetUp();
    layer_ = MakeRandomBertLayer(shape_, "f16", 1, pool_);
    Random random(3);
    for (int64_t i = 0; i < kTokens * shape_.model_dim; ++i) x_.push_back(random.Normal());
    std::filesystem::create_directories(BlockPackage());
  }
  std::string BlockPackage() const { return PathOf(options_, kCoreMlBlock, kTokens); }
  BlockCase Block() const {
    BlockCase c;
    c.shape = shape_;
    c.bert = &layer_.layer;
    c.tokens = kTokens;
    c.x = x_.data();
    return c;
  }
  MadeWork MakeBlock(CoreMlUnits units = CoreMlUnits::kCpuAndNeuralEngine) {
    return MakeCoreMlBlock(options_, units, Block());
  }

  static constexpr int64_t kTokens = 9;
  LoadedBertLayer layer_;
  std::vector<float> x_;
};

TEST_F(CoreMlBlockTest, TheInputGoesInAsF16AndTheOutputComesBackRowMajor) {
  std::vector<float> rounded;
  std::vector<float> expected;
  for (const float x : x_) {
    rounded.push_back(FloatFromF16(F16FromFloat(x)));
    expected.push_back(FakeBlock(rounded.back()));
  }
  for (const int64_t padding : {0, 32}) {
    fake_->row_stride = 256 + padding;
    fake_->input_padding = padding;
    const MadeWork made = MakeBlock();
    ASSERT_TRUE(made.work) << made.why_not;
    const int before = fake_->predictions;
    made.work->Run();
    EXPECT_EQ(fake_->predictions, before + 1);
    EXPECT_EQ(fake_->package, BlockPackage());
    EXPECT_EQ(fake_->x_shape, (std::vector<int64_t>{1, kTokens, 256}));
    EXPECT_EQ(fake_->x, rounded) << padding;
    EXPECT_EQ(made.work->Result(), expected) << padding;
  }
  EXPECT_EQ(fake_->objects, 0);
}

TEST_F(CoreMlBlockTest, UnitsAreThoseAskedFor) {
  EXPECT_EQ(MakeBlock(CoreMlUnits::kCpu).work->Kernel(), "compute units cpuOnly");
  EXPECT_EQ(fake_->units, 0);
  EXPECT_EQ(MakeBlock(CoreMlUnits::kCpuAndNeuralEngine).work->Kernel(),
            "compute units cpuAndNeuralEngine");
  EXPECT_EQ(fake_->units, 3);
}

TEST_F(CoreMlBlockTest, WhatCannotBeDoneIsSaid) {
  fake_->input_error = "too large";
  EXPECT_EQ(MakeBlock().why_not, "Core ML: making the input x failed: too large");
  fake_->input_error.clear();
  fake_->dim = 200;
  EXPECT_EQ(MakeBlock().why_not, "Core ML's package gives 1800 values where 2304 are due");
  std::filesystem::remove_all(BlockPackage());
  EXPECT_EQ(MakeBlock().why_not, "there is no " + BlockPackage() +
                                     ": tools/coreml_package --block --tokens=9 writes it");
}

TEST_F(CoreMlBlockTest, OtherBlocksAreRefused) {
  const std::string refused = "Core ML's packages hold a block of bert-base in f16";
  const auto why_not = [&](const BlockCase& c) {
    return MakeCoreMlBlock(options_, CoreMlUnits::kAll, c).why_not;
  };
  BlockCase other = Block();
  other.shape.name = "bert-large";
  EXPECT_EQ(why_not(other), refused);
  const LoadedBertLayer bf16 = MakeRandomBertLayer(shape_, "bf16", 1, pool_);
  other = Block();
  other.bert = &bf16.layer;
  EXPECT_EQ(why_not(other), refused);
  const LoadedLayer llama = MakeRandomLayer(SmallShape(), "f16", 1, pool_);
  other = Block();
  other.bert = nullptr;
  other.llama = &llama.layer;
  EXPECT_EQ(why_not(other), refused);
}

TEST(CoreMlBackendsTest, AreFourOfF16OnlyAndNeedMacOs) {
  setenv("WATTLINE_COREML", "/some/where", 1);
  EXPECT_EQ(PathOf(CoreMlOptionsOfEnvironment(), kCoreMlEncoder, 128),
            "/some/where/bert-base.f16.tokens128.mlpackage");
  EXPECT_EQ(PathOf(CoreMlOptionsOfEnvironment(), kCoreMlBlock, 128),
            "/some/where/bert-base-block.f16.tokens128.mlpackage");
  unsetenv("WATTLINE_COREML");
  for (const char* name : {"coreml_cpu", "coreml_gpu", "coreml_ane", "coreml_all"}) {
    const Backend* backend = FindBackend(name);
    ASSERT_NE(backend, nullptr) << name;
    EXPECT_TRUE(IsCoreMl(*backend));
    EXPECT_TRUE(Holds(*backend, "f16"));
    EXPECT_FALSE(Holds(*backend, "bf16"));
    EXPECT_NE(backend->encode, nullptr);
    EXPECT_NE(backend->block, nullptr);
#if !defined(__APPLE__)
    EXPECT_EQ(backend->why_not(), "needs macOS: there is no Objective-C runtime here");
#endif
  }
}

}  // namespace
}  // namespace wattline::kernels::coreml_test
