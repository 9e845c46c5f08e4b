// What is around the CPU kernels of a decoder and of a block, with kernels of double precision:
// only K and V in f16 and f32 between the operations part it from the reference.
#include <gtest/gtest.h>

#include "kernels/block/block_cpu.h"
#include "tests/decoder_fixture.h"
#include "tests/plain_kernels.h"

namespace wattline::kernels::decoder_frame_test {
namespace {

// e = 2^-12 in decoder_fixture.h's bound.
double Bound(int64_t layers) {
  return 2.0 * 0x1p-12 * std::sqrt(1.0 + 8.0 * static_cast<double>(layers));
}

class DecoderFrameTest : public testing::Test {
 protected:
  DecoderFrameTest() { backend_.cpu = &kernels_; }

  const CpuKernels kernels_ = PlainKernels();
  Backend backend_ = {};
};

TEST_F(DecoderFrameTest, DecodersAgreeHoweverThePromptIsCutAndShared) {
  ModelShape shape = SmallShape();
  shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 16};
  constexpr int64_t kLength = 7;
  for (const char* format : {"f32", "bf16"}) {
    const auto model = SmallModel(shape, format);
    for (const int64_t batch : {1, 3}) {
      const std::vector<int32_t> tokens = RandomTokens(batch * kLength, shape.vocab);
      const std::vector<float> expected = ReferenceLogits(*model, tokens, batch);
      for (const int64_t chunk : {int64_t{1}, int64_t{3}, kLength}) {
        for (const int threads : {1, 3}) {
          ThreadPool pool(threads);
          const MadeDecoder made = MakeCpuDecoder(backend_, *model, {kLength, batch, chunk}, pool);
          ASSERT_TRUE(made.decoder) << made.why_not;
          const LogitError error =
              ErrorOf(AllLogits(*made.decoder, tokens, batch, chunk, shape.vocab), expected);
          EXPECT_LE(error.relative_rms, Bound(shape.layers))
              << format << ", batch " << batch << ", pieces of " << chunk << ", " << threads
              << " threads";
          EXPECT_LE(error.worst, 6 * Bound(shape.layers));
        }
      }
    }
  }
}

TEST_F(DecoderFrameTest, BlocksAgree) {
  ThreadPool maker(1);
  const LoadedLayer llama = MakeRandomLayer(SmallShape(), "bf16", 5, maker);
  ModelShape bert_shape = SmallShape();
  bert_shape.kv_heads = bert_shape.heads;
  bert_shape.rms_eps = 1e-12;
  const LoadedBertLayer bert = MakeRandomBertLayer(bert_shape, "bf16", 5, maker);
  for (const bool is_llama : {true, false}) {
    for (const int64_t tokens : {1, 5}) {
      Random random(11);
      std::vector<float> x(static_cast<size_t>(tokens * SmallShape().model_dim));
      for (float& value : x) value = random.Normal();
      BlockCase c;
      c.shape = is_llama ? SmallShape() : bert_shape;
      if (is_llama) c.llama = &llama.layer;
      if (!is_llama) c.bert = &bert.layer;
      c.tokens = tokens;
      c.start = is_llama ? 9 : 0;
      c.x = x.data();
      std::vector<double> y(x.size());
      BlockReference(c, y.data());
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        const MadeWork made = MakeCpuBlock(backend_, c, pool);
        ASSERT_TRUE(made.work) << made.why_not;
        made.work->Run();
        const LogitError error =
            ErrorOf(made.work->Result(), std::vector<float>(y.begin(), y.end()));
        EXPECT_LE(error.relative_rms, Bound(1)) << is_llama << ", " << tokens << " tokens";
        EXPECT_LE(error.worst, 6 * Bound(1));
      }
    }
  }
}

TEST_F(DecoderFrameTest, AModelThatTheKernelsCannotRunIsNamed) {
  ThreadPool pool(1);
  ModelShape shape = SmallShape();
  auto model = SmallModel(shape, "f32");
  model->shape.head_dim = 24;
  EXPECT_NE(MakeCpuDecoder(backend_, *model, {8, 1, 8}, pool).why_not.find("head_dim 24"),
            std::string::npos);
  model->shape = shape;
  model->layers[1].attn_k.rows = 32;
  EXPECT_NE(MakeCpuDecoder(backend_, *model, {8, 1, 8}, pool).why_not.find("layer 1: attn_k"),
            std::string::npos);
}

TEST_F(DecoderFrameTest, ACacheThatMemoryCannotHoldIsNamed) {
  ThreadPool pool(1);
  const auto model = SmallModel(SmallShape(), "f32");
  const MadeDecoder made = MakeCpuDecoder(backend_, *model, {int64_t{1} << 40, 1, 8}, pool);
  EXPECT_FALSE(made.decoder);
  EXPECT_NE(made.why_not.find("1099511627776 positions"), std::string::npos) << made.why_not;
}

TEST_F(DecoderFrameTest, ABlockThatTheKernelsCannotRunIsNamed) {
  ThreadPool pool(1);
  ModelShape shape = SmallShape();
  const LoadedLayer made = MakeRandomLayer(shape, "f32", 5, pool);
  BlockCase c;
  c.shape = shape;
  c.llama = &made.layer;
  c.tokens = 1;
  c.shape.ffn_dim = 800;
  EXPECT_NE(MakeCpuBlock(backend_, c, pool).why_not.find("ffn_gate"), std::string::npos);
}

TEST(ReferenceDecoderTest, ThreadsAndPiecesChangeNoBit) {
  constexpr int64_t kPrompt = 13;
  const auto model = SmallModel(SmallShape(), "q4_k_m");
  const int64_t vocab = model->shape.vocab;
  const std::vector<int32_t> tokens = RandomTokens(2 * kPrompt, vocab);
  const std::vector<float> expected = ReferenceLogits(*model, tokens, 2);
  for (const int threads : {1, 3}) {
    for (const int64_t chunk : {int64_t{1}, int64_t{5}, kPrompt}) {
      ThreadPool pool(threads);
      const auto decoder = MakeReferenceDecoder(*model, {kPrompt, 2, chunk}, pool);
      EXPECT_EQ(AllLogits(*decoder, tokens, 2, chunk, vocab), expected);
    }
  }
}

}  // namespace
}  // namespace wattline::kernels::decoder_frame_test
