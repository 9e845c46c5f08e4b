// Random models: same bytes for the same seed, whatever the threads; sane statistics per format.
#include "kernels/model/random_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kernels/decode/decoder.h"
#include "kernels/dequant/dequant.h"
#include "kernels/model/copy_model.h"
#include "kernels/model/random_row.h"
#include "kernels/model/shapes.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels::random_model_test {
namespace {

ModelShape SmallShape() {
  ModelShape s;
  s.name = "small";
  s.layers = 3;
  s.model_dim = 256;
  s.ffn_dim = 512;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 64;
  s.vocab = 300;
  s.context = 128;
  s.rope_dim = 64;
  return s;
}

bool SameBytes(const Matrix& a, const Matrix& b) {
  return a.format == b.format && a.Byte() == b.Byte() &&
         std::memcmp(a.data, b.data, static_cast<size_t>(a.Byte())) == 0;
}

bool SameWeights(const Model& a, const Model& b) {
  for (const TensorSpec& spec : LlamaTensors(a.shape)) {
    if (!SameBytes(TensorAt(spec, a), TensorAt(spec, b))) return false;
  }
  return true;
}

class RandomModelTest : public testing::TestWithParam<const char*> {};

TEST_P(RandomModelTest, BytesDependOnTheSeedAndNotOnTheThreads) {
  ThreadPool one(1);
  ThreadPool three(3);
  const LoadedModel a = MakeRandomModel(SmallShape(), GetParam(), 7, one);
  const LoadedModel b = MakeRandomModel(SmallShape(), GetParam(), 7, three);
  const LoadedModel c = MakeRandomModel(SmallShape(), GetParam(), 8, one);
  ASSERT_TRUE(a.model && b.model && c.model) << a.error;
  EXPECT_TRUE(SameWeights(*a.model, *b.model));
  EXPECT_FALSE(SameWeights(*a.model, *c.model));
  EXPECT_EQ(a.model->format, GetParam());
}

TEST_P(RandomModelTest, RequiredByteIsTheWeightsAndLessThanALineForEach) {
  ThreadPool pool(1);
  const ModelShape shape = SmallShape();
  const LoadedModel loaded = MakeRandomModel(shape, GetParam(), 7, pool);
  ASSERT_TRUE(loaded.model);
  const std::optional<double> required_byte = RequiredByte(shape, GetParam());
  ASSERT_TRUE(required_byte);
  const double weight_byte = WeightByte(*loaded.model);
  EXPECT_GE(*required_byte, weight_byte);
  EXPECT_LT(*required_byte, weight_byte + 64.0 * (9 * 3 + 3));
}

// By design logits have an sd of 3. 300 of them estimate it within 3 / sqrt(600) = 4 %, and the rms
// of the last activations, over 256 elements with random norm weights, within another 5 %; three
// such deviations together are 20 %.
TEST_P(RandomModelTest, LogitsSpreadByThree) {
  ThreadPool pool(2);
  const LoadedModel loaded = MakeRandomModel(SmallShape(), GetParam(), 7, pool);
  ASSERT_TRUE(loaded.model);
  DecoderOptions options;
  options.context = 8;
  const std::unique_ptr<Decoder> decoder = MakeReferenceDecoder(*loaded.model, options, pool);
  std::vector<float> logits(300);
  const std::vector<int32_t> tokens = {5, 17, 250, 3};
  decoder->Forward(tokens, 4, Logits::kLast, logits);
  double sum = 0.0;
  double square = 0.0;
  for (const float logit : logits) {
    sum += logit;
    square += static_cast<double>(logit) * logit;
  }
  const double mean = sum / 300.0;
  EXPECT_NEAR(std::sqrt(square / 300.0 - mean * mean), 3.0, 0.6);
  EXPECT_LT(std::abs(mean), 3.0 * 3.0 / std::sqrt(300.0) + 0.1);
}

INSTANTIATE_TEST_SUITE_P(Formats, RandomModelTest,
                         testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k",
                                         "q5_k", "q6_k", "q4_k_m", "mlx4", "mlx4_g128", "mlx8_g32",
                                         "mlx8", "mlx8_g128", "mxfp4", "nvfp4"));

TEST(RandomModelTest, LlamaShapesGetTheirRopeFactors) {
  ThreadPool pool(1);
  ModelShape shape = SmallShape();
  EXPECT_EQ(MakeRandomModel(shape, "q4_0", 1, pool).model->rope_factors, nullptr);
  shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 64};
  const LoadedModel loaded = MakeRandomModel(shape, "q4_0", 1, pool);
  const std::vector<float> factors = RopeFactors(shape);
  for (size_t i = 0; i < factors.size(); ++i) {
    EXPECT_EQ(loaded.model->rope_factors[i], factors[i]);
  }
}

TEST(RandomModelTest, ATiedModelHasOneTable) {
  ThreadPool pool(1);
  ModelShape shape = SmallShape();
  shape.tied_output = true;
  const LoadedModel loaded = MakeRandomModel(shape, "q8_0", 1, pool);
  EXPECT_EQ(loaded.model->output.data, loaded.model->token_embd.data);
  EXPECT_EQ(loaded.model->output.rows, shape.vocab);
}

TEST(RandomModelTest, WhatCannotBeMadeSaysWhy) {
  ThreadPool pool(1);
  ModelShape shape = SmallShape();
  EXPECT_NE(MakeRandomModel(shape, "q3_k", 1, pool).error.find("'q3_k' is not known"),
            std::string::npos);
  shape.kv_heads = 3;
  const LoadedModel loaded = MakeRandomModel(shape, "q4_0", 1, pool);
  EXPECT_EQ(loaded.model, nullptr);
  EXPECT_NE(loaded.error.find("model 'small': heads"), std::string::npos) << loaded.error;
  EXPECT_EQ(RequiredByte(SmallShape(), "q3_k"), std::nullopt);
}

TEST(RandomModelTest, ALayerAloneIsComplete) {
  ThreadPool pool(2);
  const ModelShape shape = SmallShape();
  const LoadedLayer loaded = MakeRandomLayer(shape, "q4_k_m", 3, pool);
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.layer.attn_k.rows, shape.kv_heads * shape.head_dim);
  EXPECT_EQ(loaded.layer.ffn_down.cols, shape.ffn_dim);
  ASSERT_NE(loaded.layer.attn_norm, nullptr);
  ASSERT_NE(loaded.layer.ffn_norm, nullptr);
  EXPECT_NEAR(loaded.layer.ffn_norm[5], 1.0f, 0.5f);
}

TEST(RandomModelTest, ABertLayerIsComplete) {
  ThreadPool pool(2);
  const ModelShape& shape = FindShape("bert-base")->shape;
  const LoadedBertLayer loaded = MakeRandomBertLayer(shape, "q4_k", 3, pool);
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.layer.ffn_up.rows, 3072);
  EXPECT_EQ(loaded.layer.ffn_down.rows, 768);
  EXPECT_NEAR(loaded.layer.attn_norm[767], 1.0f, 0.5f);
  EXPECT_NEAR(loaded.layer.ffn_up_bias[3071], 0.0f, 0.5f);
  EXPECT_NE(MakeRandomBertLayer(shape, "q9", 3, pool).error, "");
}

class RandomRowTest : public testing::TestWithParam<Format> {};

// n values of sd s: the mean scatters by s / sqrt(n). Blocks share a scale (and a centre), which
// widens that by less than 2; four such deviations are allowed. The sd is within 3 %: its own
// scatter is 1 / sqrt(2 n) = 0.3 %, or 0.7 % where half of the scales are twice the others (mxfp4),
// the rest is the rounding of small f16 scales. nvfp4's least scale, 2^-9, is too much for 0.0016.
// Of the 15 values of E2M1, rows may well begin with the same.
TEST_P(RandomRowTest, MeanIsNoughtAndDeviationAsAsked) {
  constexpr int64_t kCols = 4096;
  constexpr int kRows = 16;
  const bool e2m1 = GetParam() == Format::kMxfp4 || GetParam() == Format::kNvfp4;
  for (const double sd : {1.0, 1.0 / 64.0, 0.0016}) {
    if (GetParam() == Format::kNvfp4 && sd == 0.0016) continue;
    double sum = 0.0;
    double square = 0.0;
    std::set<std::vector<double>> first_of_row;
    std::vector<double> values(kCols);
    std::vector<std::byte> row(static_cast<size_t>(RowByte(GetParam(), kCols)));
    for (int i = 0; i < kRows; ++i) {
      RandomRow(GetParam(), kCols, sd, static_cast<uint64_t>(i), row.data());
      DequantReference(GetParam(), row.data(), kCols, values.data());
      first_of_row.insert({values.begin(), values.begin() + (e2m1 ? 4 : 1)});
      for (const double value : values) {
        ASSERT_TRUE(std::isfinite(value));
        ASSERT_LE(std::abs(value), 6.0 * sd);
        sum += value;
        square += value * value;
      }
    }
    const double count = kRows * kCols;
    EXPECT_LT(std::abs(sum / count), 4.0 * 2.0 * sd / std::sqrt(count));
    EXPECT_NEAR(std::sqrt(square / count), sd, 0.03 * sd);
    EXPECT_GT(first_of_row.size(), 12u);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RandomRowTest,
                         testing::Values(Format::kF32, Format::kF16, Format::kBF16, Format::kQ8_0,
                                         Format::kQ4_0, Format::kQ4_1, Format::kQ4_K, Format::kQ5_K,
                                         Format::kQ6_K, Format::kMlx4, Format::kMlx4G128,
                                         Format::kMlx8G32, Format::kMlx8, Format::kMlx8G128,
                                         Format::kMxfp4, Format::kNvfp4),
                         [](const auto& test) { return std::string(Info(test.param).name); });

// Scales of no deviation that a model has: the least and the largest that are numbers.
TEST(RandomRowTest, ScalesOfOneByteAreNeverNan) {
  std::vector<double> values(4096);
  for (const Format format : {Format::kMxfp4, Format::kNvfp4}) {
    std::vector<std::byte> row(static_cast<size_t>(RowByte(format, 4096)));
    for (const double sd : {0.0, 1e-30, 1e-5, 1e5, 1e38}) {
      RandomRow(format, 4096, sd, 1, row.data());
      DequantReference(format, row.data(), 4096, values.data());
      for (const double value : values) {
        ASSERT_LE(std::abs(value), std::numeric_limits<float>::max()) << sd;
      }
    }
  }
}

TEST(RandomRowTest, AnOddNumberOfFloatsEndsWhereTheRowEnds) {
  std::vector<std::byte> row(7 * sizeof(float));
  RandomRow(Format::kF32, 7, 1.0, 1, row.data());
  float last = 0.0f;
  std::memcpy(&last, row.data() + 6 * sizeof(float), sizeof(last));
  EXPECT_NE(last, 0.0f);
}

TEST(CopyModelTest, ACopyHasTheSameTensorsInItsOwnMemory) {
  ModelShape shape = SmallShape();
  shape.llama3_rope = Llama3Rope{8.0, 1.0, 4.0, 64};
  for (const bool tied : {false, true}) {
    shape.tied_output = tied;
    ThreadPool pool(3);
    LoadedModel made = MakeRandomModel(shape, "q4_0", 5, pool);
    ASSERT_TRUE(made.model) << made.error;
    const std::shared_ptr<Model> copy = CopyModel(*made.model, pool);
    ASSERT_TRUE(copy);
    for (const TensorSpec& spec : LlamaTensors(shape)) {
      EXPECT_TRUE(SameBytes(TensorAt(spec, *made.model), TensorAt(spec, *copy))) << spec.name;
      EXPECT_NE(TensorAt(spec, *made.model).data, TensorAt(spec, *copy).data) << spec.name;
    }
    EXPECT_EQ(copy->output.data == copy->token_embd.data, tied);
    ASSERT_NE(copy->rope_factors, made.model->rope_factors);
    const std::vector<float> factors(made.model->rope_factors,
                                     made.model->rope_factors + shape.rope_dim / 2);
    made.model.reset();  // the copy needs nothing of it
    EXPECT_EQ(std::vector<float>(copy->rope_factors, copy->rope_factors + shape.rope_dim / 2),
              factors);
  }
}

}  // namespace
}  // namespace wattline::kernels::random_model_test
