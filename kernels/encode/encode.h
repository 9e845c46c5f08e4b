// A whole BERT encoder (Devlin et al. 2018): the embeddings of tokens, positions and segments,
// LayerNorm, BERT's blocks, and the pooler over the first token.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/block/block.h"
#include "kernels/format.h"
#include "kernels/model/model.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

constexpr int64_t kBertSegments = 2;

struct BertModel {
  ModelShape shape;
  std::string format;                // of all matrices
  Matrix token_embd;                 // [vocab, model_dim]
  Matrix position_embd;              // [context, model_dim]
  Matrix segment_embd;               // [kBertSegments, model_dim]
  const float* embd_norm = nullptr;  // [model_dim], as the next two
  const float* embd_norm_bias = nullptr;
  const float* pooler_bias = nullptr;
  Matrix pooler;  // [model_dim, model_dim]
  std::vector<BertLayer> layers;
  std::shared_ptr<const void> storage;  // keeps the bytes alive
};

// One sentence: tokens and segments have the same length, positions are 0, 1, 2 ...
struct EncodeCase {
  const BertModel* model = nullptr;
  std::span<const int32_t> tokens;    // below vocab
  std::span<const int32_t> segments;  // below kBertSegments
};

// h[tokens, model_dim] = the blocks, one after the other, of
//   LayerNorm(token_embd[token] + position_embd[position] + segment_embd[segment]);
// pooled[model_dim] = tanh(pooler h[0] + pooler_bias).
// The result of every backend is [tokens + 1, model_dim]: h, then pooled.

// One sentence where no backend can encode it; empty where they can.
std::string WhyNotEncode(const EncodeCase& c);

// Operations of the linear layers, of attention and of the pooler.
double EncodeFlop(const ModelShape& shape, int64_t tokens);
// Compulsory bytes: every weight of the blocks and the pooler once, the embedding tables as the
// rows that are used, one for each token, position and segment; the result in f32.
double EncodeByte(const ModelShape& shape, Format format, int64_t tokens);

// The most that the rms of result - reference may be, relative to the reference's rms, where
// operands are rounded to `unit` (half a unit in the last place, relative):
// - a rounding leaves an error of rms 0.43 unit: unit / sqrt 3 over a binade, 0.74 on average;
// - a block rounds the operands of its products, its two sums and its two norms. What the products
//   add is damped: beside the stream of rms 1 the feed-forward's output has 0.6, attention's, a
//   mean over many tokens, 0.2. In all the stream gains an error of about 1 unit;
// - each block passes the stream's error on, enlarged by the same outputs to 1.05 to 1.1 times its
//   size: over 12 blocks, the squares add up to 2 for each block;
// - a factor of 2 for what the model leaves out.
// Sums in f32 of up to ffn_dim products wander by sqrt(ffn_dim) 2^-24 besides.
double EncodeTolerance(const ModelShape& shape, double unit);

// Double precision on exactly dequantised weights: y[tokens + 1, model_dim].
void EncodeReference(const EncodeCase& c, ThreadPool& pool, double* y);

}  // namespace wattline::kernels
