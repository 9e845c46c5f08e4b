// The whole BERT encoder: its reference against its parts, and every backend against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/encode/random_bert.h"
#include "kernels/linear/linear.h"
#include "kernels/model/shapes.h"
#include "kernels/norm/norm.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels::encode_test {
namespace {

ModelShape SmallBert(int64_t layers = 3) {
  ModelShape s = SmallShape();
  s.layers = layers;
  s.kv_heads = s.heads;
  s.rope_dim = 0;
  s.rms_eps = 1e-12;
  return s;
}

std::vector<double> Reference(const EncodeCase& c, int threads = 1) {
  ThreadPool pool(threads);
  std::vector<double> y((c.tokens.size() + 1) * static_cast<size_t>(c.model->shape.model_dim));
  EncodeReference(c, pool, y.data());
  return y;
}

template <class T>
double RelativeRms(const std::vector<T>& got, const std::vector<double>& want) {
  double error = 0, size = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += (static_cast<double>(got.at(i)) - want[i]) * (static_cast<double>(got[i]) - want[i]);
    size += want[i] * want[i];
  }
  return std::sqrt(error / size);
}

struct Made {
  LoadedBert bert;
  Sentence sentence;
  EncodeCase Case() const { return {bert.model.get(), sentence.tokens, sentence.segments}; }
};
Made Make(const ModelShape& shape, const char* format, int64_t tokens) {
  ThreadPool pool(2);
  return {MakeRandomBert(shape, format, 7, pool), RandomSentence(shape, tokens, 8)};
}

TEST(EncodeTest, TheReferenceIsEmbeddingsThenBlocksThenThePooler) {
  const ModelShape shape = SmallBert(2);
  const Made made = Make(shape, "f32", 5);
  const BertModel& model = *made.bert.model;
  const int64_t dim = shape.model_dim;
  std::vector<double> x;
  for (int64_t t = 0; t < 5; ++t) {
    const auto value = [&](const Matrix& table, int64_t row, int64_t i) {
      return static_cast<double>(reinterpret_cast<const float*>(table.Row(row))[i]);
    };
    std::vector<double> sum;
    for (int64_t i = 0; i < dim; ++i) {
      const auto at = static_cast<size_t>(t);
      sum.push_back(value(model.token_embd, made.sentence.tokens[at], i) +
                    value(model.position_embd, t, i) + value(model.segment_embd, t < 2 ? 0 : 1, i));
    }
    LayerNormReference(sum.data(), model.embd_norm, model.embd_norm_bias, dim, 1e-12, sum.data());
    x.insert(x.end(), sum.begin(), sum.end());
  }
  for (const BertLayer& layer : model.layers) {
    const std::vector<float> in(x.begin(), x.end());
    BlockCase block;
    block.shape = shape;
    block.bert = &layer;
    block.tokens = 5;
    block.x = in.data();
    BlockReference(block, x.data());
  }
  const std::vector<float> first(x.begin(), x.begin() + dim);
  std::vector<double> pooled(static_cast<size_t>(dim));
  LinearReference({model.pooler, first.data(), 1}, pooled.data());
  for (int64_t i = 0; i < dim; ++i) {
    x.push_back(std::tanh(pooled[static_cast<size_t>(i)] + model.pooler_bias[i]));
  }
  // Between the parts x is rounded to f32.
  EXPECT_LE(RelativeRms(Reference(made.Case()), x), 1e-6);
  EXPECT_EQ(Reference(made.Case(), 3), Reference(made.Case()));
}

// What a backend returns must be nearer to the reference than what other models return.
TEST(EncodeTest, TheToleranceTellsModelsApart) {
  const Made made = Make(SmallBert(), "f32", 20);
  const std::vector<double> want = Reference(made.Case());
  const double bf16 = EncodeTolerance(made.bert.model->shape, 0x1p-8);
  const auto differs = [&](const char* what, const BertModel& model, const Sentence& sentence) {
    const double rms = RelativeRms(Reference({&model, sentence.tokens, sentence.segments}), want);
    EXPECT_GT(rms, 2 * bf16) << what;
  };
  Sentence sentence = made.sentence;
  std::swap(sentence.tokens[3], sentence.tokens[4]);
  differs("two tokens in the other order", *made.bert.model, sentence);
  sentence = made.sentence;
  for (int32_t& segment : sentence.segments) segment = 0;
  differs("one segment", *made.bert.model, sentence);
  BertModel model = *made.bert.model;
  model.layers.back().attn_v_bias = model.layers.back().attn_k_bias;
  differs("another bias", model, made.sentence);
  model = *made.bert.model;
  model.layers.pop_back();
  differs("a layer less", model, made.sentence);
  model = *made.bert.model;
  model.shape.heads = model.shape.kv_heads = model.shape.heads * 2;
  model.shape.head_dim /= 2;
  differs("more heads", model, made.sentence);
}

TEST(EncodeTest, CountsAreThoseOfTheShape) {
  ModelShape s = SmallBert(1);
  s.model_dim = 4;
  s.ffn_dim = 6;
  // 3 tokens: 4 matrices of 16 and 2 of 24 weights, 4 x 4 x 9 for attention, the pooler once.
  EXPECT_EQ(EncodeFlop(s, 3), 2 * 3 * (4 * 16 + 2 * 24) + 4 * 4 * 9 + 2 * 16);
  // f16: 112 weights and 9 x 4 + 6 of vectors; the pooler's 16 and 4; 3 + 3 + 2 embedding rows and
  // a norm of 2 x 4; 2 x 3 numbers in, 4 x 4 out.
  EXPECT_EQ(EncodeByte(s, Format::kF16, 3),
            2 * 112 + 4 * 42 + 2 * 16 + 4 * 4 + 2 * 8 * 4 + 4 * 8 + 4 * 6 + 4 * 16);
  s.layers = 2;
  EXPECT_EQ(EncodeFlop(s, 3), 2 * (2 * 3 * (4 * 16 + 2 * 24) + 4 * 4 * 9) + 2 * 16);
}

TEST(EncodeTest, BertBaseHasItsHundredAndTenMillionParameters) {
  const ModelShape& s = FindShape("bert-base")->shape;
  // All of it in f32, less what a sentence of one token does not use, and what it reads and writes.
  const double used = EncodeByte(s, Format::kF32, 1) / 4 - 2 - 2 * 768;
  EXPECT_EQ(used + 768.0 * (30522 - 1 + 512 - 1), 109482240);
}

TEST(EncodeTest, WhatCannotBeEncodedSaysWhy) {
  Made made = Make(SmallBert(1), "f32", 4);
  made.sentence.tokens[2] = 1000;
  EXPECT_EQ(WhyNotEncode(made.Case()), "token 1000 is none of the vocabulary's 1000");
  made.sentence.tokens[2] = 0;
  made.sentence.segments[3] = 2;
  EXPECT_EQ(WhyNotEncode(made.Case()), "segment 2 is none of the 2 there are");
  made.sentence.segments.pop_back();
  EXPECT_EQ(WhyNotEncode(made.Case()), "3 segments for 4 tokens");
  made = Make(SmallBert(1), "f32", 65);
  EXPECT_EQ(WhyNotEncode(made.Case()), "65 tokens, but the model 'small' takes 1 to 64");
  ThreadPool pool(1);
  EXPECT_EQ(MakeRandomBert(SmallBert(0), "q9", 1, pool).error,
            "weight format 'q9' is not known here");
}

TEST(EncodeTest, EveryCpuBackendAgreesWithTheReference) {
  // Threads beyond the cores of a busy machine wait for each other: one case has them.
  constexpr struct {
    int64_t tokens;
    int threads;
  } kCases[] = {{1, 2}, {5, 3}, {29, 1}};
  for (const char* format : {"f32", "f16", "bf16"}) {
    for (const auto& [tokens, threads] : kCases) {
      const Made made = Make(SmallBert(), format, tokens);
      const std::vector<double> want = Reference(made.Case());
      ThreadPool pool(threads);
      for (const Backend* backend : UsableCpuBackends()) {
        SCOPED_TRACE(testing::Message() << format << ", " << tokens << " tokens, " << backend->name
                                        << ", " << threads << " threads");
        const MadeWork work = backend->encode(*backend, made.Case(), pool);
        ASSERT_TRUE(work.work) << work.why_not;
        work.work->Run();
        const std::vector<float> got = work.work->Result();
        ASSERT_EQ(got.size(), want.size());
        EXPECT_LE(RelativeRms(got, want),
                  EncodeTolerance(made.bert.model->shape, work.work->RoundsTo().operands));
        work.work->Run();
        EXPECT_EQ(work.work->Result(), got);  // every Run does the same
      }
    }
  }
}

TEST(EncodeTest, MlxAgreesWithTheReference) {
  const Backend* mlx = FindBackend("mlx");
  if (mlx == nullptr) GTEST_SKIP() << "skipped: built without MLX";
  setenv("WATTLINE_MLX_CPU", "1", 1);
  if (!mlx->why_not().empty()) GTEST_SKIP() << "skipped: " << mlx->why_not();
  ThreadPool pool(1);
  for (const char* format : {"f32", "f16", "bf16"}) {
    const Made made = Make(SmallBert(), format, 19);
    const MadeWork work = mlx->encode(*mlx, made.Case(), pool);
    ASSERT_TRUE(work.work) << work.why_not;
    work.work->Run();
    EXPECT_LE(RelativeRms(work.work->Result(), Reference(made.Case())),
              EncodeTolerance(made.bert.model->shape, work.work->RoundsTo().operands))
        << format;
  }
  const Made packed = Make(SmallBert(1), "q8_0", 4);
  EXPECT_EQ(mlx->encode(*mlx, packed.Case(), pool).why_not,
            "MLX: rows of packed embedding tables are not read here");
}

}  // namespace
}  // namespace wattline::kernels::encode_test
