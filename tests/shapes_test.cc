// The named shapes have the published numbers of parameters, and absurd shapes are named.
#include "kernels/model/shapes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "kernels/model/tensors.h"

namespace wattline::kernels::shapes_test {
namespace {

TEST(ShapesTest, ParameterCountsAreThePublishedOnes) {
  // The "total parameters" of each repository's safetensors index.
  const std::map<std::string, double> published = {
      {"tinyllama-1.1b", 1100048384.0}, {"llama-3.2-1b", 1235814400.0},
      {"llama-2-7b", 6738415616.0},     {"mistral-7b", 7241732096.0},
      {"llama-3-8b", 8030261248.0},     {"smollm2-135m", 134515008.0},
      {"llama-3.2-3b", 3212749824.0},   {"llama-3.1-8b", 8030261248.0},
      {"llama-3.1-70b", 70553706496.0}, {"llama-3.1-405b", 405853388800.0},
      {"llama-3-70b", 70553706496.0},   {"llama-2-13b", 13015864320.0},
      {"llama-2-70b", 68976648192.0},   {"mistral-nemo-12b", 12247782400.0},
      {"smollm2-360m", 361821120.0},    {"mistral-small-24b", 23572403200.0},
      {"smollm2-1.7b", 1711376384.0},   {"qwen2.5-0.5b", 494032768.0},
      {"qwen2.5-1.5b", 1543714304.0},   {"qwen2.5-3b", 3085938688.0},
      {"qwen2.5-7b", 7615616512.0},     {"qwen2.5-14b", 14770033664.0},
      {"qwen2.5-32b", 32763876352.0},   {"qwen2.5-72b", 72706203648.0},
  };
  for (const auto& [name, count] : published) {
    const NamedShape* named = FindShape(name);
    ASSERT_NE(named, nullptr) << name;
    const ModelShape& s = named->shape;
    const int64_t biases = named->architecture == Architecture::kQwen2
                               ? s.layers * (s.heads + 2 * s.kv_heads) * s.head_dim
                               : 0;
    EXPECT_EQ(ParameterCount(s) + static_cast<double>(biases), count) << name;
  }
}

TEST(ShapesTest, EveryLlamaShapeCanBeComputed) {
  for (const NamedShape& named : AllShapes()) {
    if (named.architecture != Architecture::kBert) {
      EXPECT_EQ(ShapeError(named.shape), "") << named.shape.name;
    }
  }
}

TEST(ShapesTest, AnUnknownNameIsNull) { EXPECT_EQ(FindShape("llama-9"), nullptr); }

TEST(ShapesTest, KvByteCountsBothHalvesOfTheCache) {
  // 32 layers, 8 heads of 128, K and V, 2 bytes each.
  EXPECT_EQ(KvByte(FindShape("llama-3-8b")->shape), 131072.0);
}

TEST(ShapesTest, RopeFactorsOfLlama32KeepFastPairsAndDivideSlowOnes) {
  const ModelShape& shape = FindShape("llama-3.2-1b")->shape;
  const std::vector<float> factors = RopeFactors(shape);
  ASSERT_EQ(factors.size(), 32u);
  EXPECT_EQ(factors.front(), 1.0f);
  EXPECT_EQ(factors.back(), 32.0f);
  for (size_t i = 1; i < factors.size(); ++i) EXPECT_GE(factors[i], factors[i - 1]);
  // Pair 16: wavelength 2 pi 500000^(1/2) = 4442.88, so 8192 positions are 1.84385 turns;
  // smooth = 0.84385 / 3 = 0.281283, factor = 1 / (0.718717 / 32 + 0.281283) = 3.29226.
  EXPECT_NEAR(factors[16], 3.29226f, 1e-4f);
  EXPECT_TRUE(RopeFactors(FindShape("llama-3-8b")->shape).empty());
}

TEST(ShapesTest, EachAbsurdFieldIsNamed) {
  const ModelShape good = FindShape("smollm2-135m")->shape;
  const auto error_of = [&good](auto change) {
    ModelShape shape = good;
    change(shape);
    return ShapeError(shape);
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.layers = 0; }), "layers (block_count) is 0");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.model_dim = -576; }), "model_dim");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.vocab = int64_t{1} << 40; }), "1099511627776");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.kv_heads = 2; }), "multiple of kv_heads");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.head_dim = 60; }), "multiple of 16");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.rope_dim = 63; }), "even");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.rope_dim = 80; }), "at most head_dim");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.rope_base = std::nan(""); }), "nan");
  EXPECT_PRED2(has, error_of([](ModelShape& s) { s.rms_eps = -1e-5; }), "-1e-05");
}

TEST(TensorsTest, Q4KMGivesMoreBitsWhereLlamaCppDoes) {
  const ModelShape& shape = FindShape("tinyllama-1.1b")->shape;
  const std::vector<TensorSpec> tensors = LlamaTensors(shape);
  const FormatPlan plan = PlanFormats(tensors, shape, "q4_k_m");
  ASSERT_EQ(plan.error, "");
  std::vector<int64_t> more;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorSpec& spec = tensors[i];
    if (spec.role == TensorRole::kFfnDown && plan.formats[i] == Format::kQ6_K) {
      more.push_back(spec.layer);
    }
    if (spec.role == TensorRole::kTokenEmbd) {
      EXPECT_EQ(plan.formats[i], Format::kQ4_K);
    }
    if (spec.role == TensorRole::kOutput) {
      EXPECT_EQ(plan.formats[i], Format::kQ6_K);
    }
  }
  // 22 layers: 22 / 8 = 2, 7 * 22 / 8 = 19.
  EXPECT_EQ(more, (std::vector<int64_t>{0, 1, 4, 7, 10, 13, 16, 19, 20, 21}));
}

TEST(TensorsTest, RowsThatNoKQuantFitsTakeQ8) {
  const ModelShape& shape = FindShape("smollm2-135m")->shape;  // 576 is no multiple of 256, 1536 is
  const std::vector<TensorSpec> tensors = LayerTensors(shape, 0);
  const FormatPlan plan = PlanFormats(tensors, shape, "q4_k");
  ASSERT_EQ(plan.error, "");
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (IsNorm(tensors[i].role)) {
      EXPECT_EQ(plan.formats[i], Format::kF32);
    } else {
      EXPECT_EQ(plan.formats[i], tensors[i].cols == 576 ? Format::kQ8_0 : Format::kQ4_K);
    }
  }
}

TEST(TensorsTest, AFormatThatDoesNotGoIsNamed) {
  ModelShape shape = FindShape("smollm2-135m")->shape;
  EXPECT_NE(PlanFormats(LlamaTensors(shape), shape, "q5_0").error.find("'q5_0' is not known"),
            std::string::npos);
  shape.ffn_dim = 1500;
  const std::string error = PlanFormats(LlamaTensors(shape), shape, "q4_0").error;
  EXPECT_NE(error.find("blk.0.ffn_down.weight has rows of 1500"), std::string::npos) << error;
}

}  // namespace
}  // namespace wattline::kernels::shapes_test
