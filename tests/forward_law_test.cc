// The laws of a forward pass and of a block, against cases counted by hand.
#include <gtest/gtest.h>

#include "kernels/block/block.h"
#include "kernels/decode/decoder.h"
#include "kernels/decode/greedy.h"

namespace wattline::kernels::forward_law_test {
namespace {

// 2 layers, model_dim 32, ffn_dim 64, 4 heads of 16 (so q is 64 wide), 2 KV heads, vocab 100.
ModelShape TinyShape() {
  ModelShape s;
  s.layers = 2;
  s.model_dim = 32;
  s.ffn_dim = 64;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.vocab = 100;
  return s;
}

Layer TinyLayer(Format f) {
  Layer layer;
  layer.attn_q = {f, 64, 32, nullptr};
  layer.attn_k = layer.attn_v = {f, 32, 32, nullptr};
  layer.attn_output = {f, 32, 64, nullptr};
  layer.ffn_gate = layer.ffn_up = {f, 64, 32, nullptr};
  layer.ffn_down = {f, 32, 64, nullptr};
  return layer;
}

// 64*32 + 2*32*32 + 32*64 + 3*64*32
constexpr double kLayerWeights = 2048 + 2048 + 2048 + 6144;

Model TinyModel() {
  Model m;
  m.shape = TinyShape();
  m.layers = {TinyLayer(Format::kQ8_0), TinyLayer(Format::kQ8_0)};
  m.token_embd = {Format::kF16, 100, 32, nullptr};
  m.output = {Format::kQ4_0, 100, 32, nullptr};
  return m;
}

TEST(ForwardLawTest, OneTokenAfterTenPositions) {
  // Per layer 2 per weight; 11 visible positions at 4 * 16 * 4 each; the output 2 * 100 * 32.
  EXPECT_EQ(ForwardFlop(TinyModel(), 10, 1, 1), 2 * (2 * kLayerWeights + 11 * 256) + 6400);
  // q8_0 is 34 bytes for 32; output q4_0 rows of 18; one embedding row of 64; 5 norms of 128;
  // K and V of 2 layers, 32 elements of 2 bytes: 11 positions read and 1 written.
  EXPECT_EQ(ForwardByte(TinyModel(), 10, 1, 1),
            2 * kLayerWeights / 32 * 34 + 1800 + 64 + 640 + 2 * 2 * 64 * 12);
}

TEST(ForwardLawTest, APromptOfThreeTokensInTwoSequences) {
  // Six tokens; each sequence sees 1 + 2 + 3 positions; logits of two tokens.
  EXPECT_EQ(ForwardFlop(TinyModel(), 0, 3, 2),
            2 * (6 * 2 * kLayerWeights + 2 * 6 * 256) + 2 * 6400);
  EXPECT_EQ(ForwardByte(TinyModel(), 0, 3, 2),
            2 * kLayerWeights / 32 * 34 + 1800 + 6 * 64 + 640 + 2 * 2 * 64 * 2 * (3 + 3));
}

TEST(BlockLawTest, TheLlamaBlockIsOneLayerWithItsActivations) {
  const Layer layer = TinyLayer(Format::kF32);
  BlockCase c;
  c.shape = TinyShape();
  c.llama = &layer;
  c.tokens = 3;
  c.start = 10;
  EXPECT_EQ(BlockFlop(c), 6 * kLayerWeights + 256 * (11 + 12 + 13));
  EXPECT_EQ(BlockByte(c), 4 * kLayerWeights + 2 * 128 + 2 * 3 * 128 + 2 * 64 * (13 + 3));
}

TEST(BlockLawTest, BertSeesAllTokensAndHasNoCache) {
  BertLayer layer;
  layer.attn_q = layer.attn_k = layer.attn_v = layer.attn_output = {Format::kF32, 32, 32, nullptr};
  layer.ffn_up = {Format::kF32, 64, 32, nullptr};
  layer.ffn_down = {Format::kF32, 32, 64, nullptr};
  BlockCase c;
  c.shape = TinyShape();
  c.shape.heads = c.shape.kv_heads = 2;
  c.bert = &layer;
  c.tokens = 3;
  const double weights = 4 * 1024 + 2 * 2048;
  EXPECT_EQ(BlockFlop(c), 6 * weights + 4 * 32 * 9);
  // 9 vectors of 32 (5 biases, 2 norms with biases) and one of 64.
  EXPECT_EQ(BlockByte(c), 4 * (weights + 9 * 32 + 64) + 2 * 3 * 128);
}

TEST(GreedyTest, TheFirstOfEqualLogitsWins) {
  const float logits[] = {1.0f, 3.0f, 2.0f, 3.0f};
  EXPECT_EQ(Argmax(logits), 1);
}

}  // namespace
}  // namespace wattline::kernels::forward_law_test
