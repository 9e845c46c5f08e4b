// The CPU decoder agrees with the double-precision decoder, however the prompt is cut, however many
// threads and sequences there are, in every format and on every instruction set of this machine.
#include <gtest/gtest.h>

#include "kernels/decode/greedy.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels::decoder_test {
namespace {

constexpr int64_t kPrompt = 13;  // more than kGemvTokens: in one piece it runs in panels

#define EXPECT_WITHIN(got, expected, bound)              \
  do {                                                   \
    const LogitError error = ErrorOf(got, expected);     \
    EXPECT_LE(error.relative_rms, (bound).relative_rms); \
    EXPECT_LE(error.worst, (bound).worst);               \
  } while (false)

std::unique_ptr<Decoder> MakeDecoder(const Backend& backend, const Model& model,
                                     DecoderOptions options, ThreadPool& pool) {
  MadeDecoder made = MakeCpuDecoder(backend, model, options, pool);
  EXPECT_TRUE(made.decoder) << made.why_not;
  return std::move(made.decoder);
}

// In one piece and token by token, with 1 and 2 threads.
void CheckModel(const Model& model) {
  const std::vector<int32_t> tokens = RandomTokens(kPrompt, model.shape.vocab);
  const std::vector<float> expected = ReferenceLogits(model, tokens);
  for (const Backend* backend : UsableCpuBackends()) {
    for (const int threads : {1, 2}) {
      for (const int64_t chunk : {kPrompt, int64_t{5}, int64_t{1}}) {
        SCOPED_TRACE(testing::Message()
                     << backend->name << ", " << threads << " threads, pieces of " << chunk);
        ThreadPool pool(threads);
        const auto decoder = MakeDecoder(*backend, model, {kPrompt, 1, chunk}, pool);
        const std::vector<float> got = AllLogits(*decoder, tokens, 1, chunk, model.shape.vocab);
        EXPECT_WITHIN(got, expected, BoundOf(model, chunk));
      }
    }
  }
}

class DecoderFormatTest : public testing::TestWithParam<const char*> {};

TEST_P(DecoderFormatTest, AgreesWithTheReference) {
  const auto model = SmallModel(SmallShape(), GetParam());
  ASSERT_TRUE(model);
  CheckModel(*model);
}

INSTANTIATE_TEST_SUITE_P(Formats, DecoderFormatTest,
                         testing::Values("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q4_k",
                                         "q5_k", "q6_k", "q4_k_m", "mlx4"),
                         [](const auto& p) { return std::string(p.param); });

// The first matrix and one of a layer; the reference decodes it (random_model_test).
TEST(DecoderTest, AModelThatMlxAloneHoldsIsRefused) {
  ThreadPool pool(1);
  for (const char* format : {"mlx8", "mlx4_g128", "mxfp4", "nvfp4"}) {
    const std::string why_not =
        std::string(format) + ", which the CPU kernels do not hold; the backend mlx does";
    const auto model = SmallModel(SmallShape(), format);
    ASSERT_TRUE(model);
    const auto dense = SmallModel(SmallShape(), "f32");
    for (const Backend* backend : UsableCpuBackends()) {
      const MadeDecoder made = MakeCpuDecoder(*backend, *model, {kPrompt, 1, kPrompt}, pool);
      EXPECT_FALSE(made.decoder);
      EXPECT_EQ(made.why_not, "token_embd is " + why_not);
    }
    model->token_embd = dense->token_embd;
    model->output = dense->output;
    for (const Backend* backend : UsableCpuBackends()) {
      EXPECT_EQ(MakeCpuDecoder(*backend, *model, {kPrompt, 1, kPrompt}, pool).why_not,
                "layer 0: attn_q is " + why_not);
    }
  }
}

class DecoderOddShapeTest : public testing::TestWithParam<const char*> {};

TEST_P(DecoderOddShapeTest, AgreesWithTheReference) {
  const auto model = SmallModel(OddShape(), GetParam());
  ASSERT_TRUE(model);
  CheckModel(*model);
}

INSTANTIATE_TEST_SUITE_P(Formats, DecoderOddShapeTest,
                         testing::Values("f32", "q8_0", "q4_1", "q4_k_m"),
                         [](const auto& p) { return std::string(p.param); });

// In f32 the bound is tight: a wrong pair, angle or table would be found.
TEST(DecoderTest, BothRopeLayoutsWithAndWithoutFactorsTiedAndNot) {
  for (const RopeLayout layout : {RopeLayout::kAdjacent, RopeLayout::kHalves}) {
    for (const bool factors : {false, true}) {
      for (const bool tied : {false, true}) {
        SCOPED_TRACE(testing::Message() << "layout " << static_cast<int>(layout) << ", factors "
                                        << factors << ", tied " << tied);
        ModelShape shape = SmallShape();
        shape.rope_layout = layout;
        shape.tied_output = tied;
        shape.rope_dim = tied ? 16 : 32;  // a part of the head stays unturned
        if (factors) shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 16};
        const auto model = SmallModel(shape, "f32");
        ASSERT_TRUE(model);
        EXPECT_EQ(model->rope_factors != nullptr, factors);
        EXPECT_EQ(model->output.data == model->token_embd.data, tied);
        const std::vector<int32_t> tokens = RandomTokens(kPrompt, shape.vocab);
        const std::vector<float> expected = ReferenceLogits(*model, tokens);
        for (const Backend* backend : UsableCpuBackends()) {
          ThreadPool pool(2);
          const auto decoder = MakeDecoder(*backend, *model, {kPrompt, 1, 1}, pool);
          EXPECT_WITHIN(AllLogits(*decoder, tokens, 1, 1, shape.vocab), expected,
                        BoundOf(*model, 1));
        }
      }
    }
  }
}

TEST(DecoderTest, MoreThreadsThanHeads) {
  for (const char* format : {"f32", "q4_0"}) {
    const auto model = SmallModel(SmallShape(), format);
    const std::vector<int32_t> tokens = RandomTokens(kPrompt, model->shape.vocab);
    const std::vector<float> expected = ReferenceLogits(*model, tokens);
    for (const Backend* backend : UsableCpuBackends()) {
      for (const int threads : {3, 11}) {
        for (const int64_t chunk : {int64_t{1}, kPrompt}) {
          ThreadPool pool(threads);
          const auto decoder = MakeDecoder(*backend, *model, {kPrompt, 1, chunk}, pool);
          EXPECT_WITHIN(AllLogits(*decoder, tokens, 1, chunk, model->shape.vocab), expected,
                        BoundOf(*model, chunk));
        }
      }
    }
  }
}

// Largest logit less the second largest.
double Margin(std::vector<float> row) {
  std::nth_element(row.begin(), row.begin() + 1, row.end(), std::greater<>());
  return static_cast<double>(row[0]) - static_cast<double>(row[1]);
}

// The reference's own greedy tokens are fed one by one. Where its margin exceeds six standard
// deviations of the difference of two logits' errors, the CPU must choose the same token.
TEST(DecoderTest, GreedyTokensAreThoseOfTheReference) {
  constexpr int64_t kGenerate = 24;
  for (const char* format : {"f32", "bf16", "q8_0", "q4_0", "q4_k_m"}) {
    const auto model = SmallModel(SmallShape(), format);
    const int64_t vocab = model->shape.vocab;
    std::vector<int32_t> tokens = RandomTokens(kPrompt, vocab);
    {
      ThreadPool pool(2);
      const auto decoder = MakeReferenceDecoder(*model, {kPrompt + kGenerate, 1, kPrompt}, pool);
      const std::vector<int32_t> next =
          GreedyTokens(*decoder, Prefill(*decoder, tokens, kPrompt, vocab), kGenerate);
      tokens.insert(tokens.end(), next.begin(), next.end());
    }
    const std::vector<float> expected = ReferenceLogits(*model, tokens);
    const double size = RootMeanSquare(expected);
    for (const Backend* backend : UsableCpuBackends()) {
      ThreadPool pool(2);
      const auto decoder = MakeDecoder(*backend, *model, {kPrompt + kGenerate, 1, 1}, pool);
      const std::vector<float> got = AllLogits(*decoder, tokens, 1, 1, vocab);
      const double error = ErrorOf(got, expected).relative_rms * size;
      EXPECT_LE(error, BoundOf(*model, 1).relative_rms * size);
      int sure = 0;
      for (int64_t i = kPrompt - 1; i < kPrompt + kGenerate - 1; ++i) {
        const auto row = [&](const std::vector<float>& logits) {
          return std::vector<float>(logits.begin() + i * vocab, logits.begin() + (i + 1) * vocab);
        };
        const int32_t next = tokens[static_cast<size_t>(i + 1)];
        EXPECT_EQ(Argmax(row(expected)), next);
        if (Margin(row(expected)) < 6 * std::sqrt(2.0) * error) continue;
        EXPECT_EQ(Argmax(row(got)), next) << format << " " << backend->name << ", token " << i;
        ++sure;
      }
      EXPECT_GE(sure, 3) << format << " " << backend->name;
    }
  }
}

TEST(DecoderTest, SequencesOfABatchDoNotTouchEachOther) {
  for (const char* format : {"f32", "q4_0"}) {
    const auto model = SmallModel(SmallShape(), format);
    const int64_t vocab = model->shape.vocab;
    for (const int64_t batch : {1, 2, 4, 8}) {
      const std::vector<int32_t> tokens = RandomTokens(batch * 6, vocab, 100);
      const std::vector<float> expected = ReferenceLogits(*model, tokens, batch);
      for (const Backend* backend : UsableCpuBackends()) {
        for (const int64_t chunk : {int64_t{1}, int64_t{6}}) {
          for (const int threads : {1, 2, 3}) {
            SCOPED_TRACE(testing::Message() << format << " " << backend->name << ", batch " << batch
                                            << ", pieces of " << chunk);
            ThreadPool pool(threads);
            const auto decoder = MakeDecoder(*backend, *model, {6, batch, chunk}, pool);
            EXPECT_WITHIN(AllLogits(*decoder, tokens, batch, chunk, vocab), expected,
                          BoundOf(*model, batch * chunk));
          }
        }
      }
    }
  }
}

TEST(DecoderTest, TheLastTokensLogitsAreThoseOfAll) {
  const auto model = SmallModel(SmallShape(), "q8_0");
  const int64_t vocab = model->shape.vocab;
  const std::vector<int32_t> tokens = RandomTokens(2 * 4, vocab);
  for (const Backend* backend : UsableCpuBackends()) {
    ThreadPool pool(2);
    const auto decoder = MakeDecoder(*backend, *model, {4, 2, 4}, pool);
    std::vector<float> all(static_cast<size_t>(2 * 4 * vocab));
    std::vector<float> last(static_cast<size_t>(2 * vocab));
    decoder->Forward(tokens, 4, Logits::kAll, all);
    decoder->Truncate(0);
    decoder->Forward(tokens, 4, Logits::kLast, last);
    for (int64_t s = 0; s < 2; ++s) {
      const std::vector<float> expected(all.begin() + (s * 4 + 3) * vocab,
                                        all.begin() + (s * 4 + 4) * vocab);
      const std::vector<float> got(last.begin() + s * vocab, last.begin() + (s + 1) * vocab);
      EXPECT_LE(ErrorOf(got, expected).worst, 1e-5) << backend->name;
    }
  }
}

TEST(DecoderTest, ATruncatedCacheIsAsIfTheRestHadNeverBeen) {
  const auto model = SmallModel(SmallShape(), "q4_0");
  const int64_t vocab = model->shape.vocab;
  for (const Backend* backend : UsableCpuBackends()) {
    ThreadPool pool(2);
    const auto decoder = MakeDecoder(*backend, *model, {16, 1, 16}, pool);
    const std::vector<int32_t> tokens = RandomTokens(5, vocab);
    std::vector<float> first(static_cast<size_t>(vocab)), again(first.size());
    decoder->Forward(tokens, 5, Logits::kLast, first);
    EXPECT_EQ(decoder->Length(), 5);
    decoder->Forward(RandomTokens(8, vocab, 9), 8, Logits::kLast, again);
    EXPECT_EQ(decoder->Length(), 13);
    decoder->Truncate(0);
    decoder->Forward(tokens, 5, Logits::kLast, again);
    EXPECT_EQ(first, again) << backend->name;
  }
}

TEST(DecoderTest, DecodesAfterAFilledCache) {
  for (const char* format : {"f32", "q4_0"}) {
    const auto model = SmallModel(SmallShape(), format);
    const int64_t vocab = model->shape.vocab;
    constexpr int64_t kFilled = 300;
    const std::vector<int32_t> tokens = RandomTokens(2, vocab);
    const auto run = [&](Decoder& decoder) {
      decoder.FillCache(kFilled, 5);
      EXPECT_EQ(decoder.Length(), kFilled);
      std::vector<float> logits(static_cast<size_t>(2 * vocab));
      decoder.Forward(tokens, 1, Logits::kLast, logits);
      return logits;
    };
    ThreadPool pool(2);
    const std::vector<float> expected =
        run(*MakeReferenceDecoder(*model, {kFilled + 1, 2, 1}, pool));
    for (const Backend* backend : UsableCpuBackends()) {
      EXPECT_WITHIN(run(*MakeDecoder(*backend, *model, {kFilled + 1, 2, 1}, pool)), expected,
                    BoundOf(*model, 2));
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::decoder_test
