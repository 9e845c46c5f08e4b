// One transformer block: the Llama block (RMSNorm, RoPE, grouped-query attention, SwiGLU), and
// BERT's encoder block (LayerNorm after each residual, biases, full attention, GELU).
#pragma once

#include <cstdint>

#include "kernels/model/model.h"

namespace wattline::kernels {

// BERT's block (Devlin et al. 2018, post-norm). Matrices as in Layer; ffn has two matrices.
struct BertLayer {
  Matrix attn_q, attn_k, attn_v, attn_output;  // [model_dim, model_dim]
  const float* attn_q_bias = nullptr;          // [model_dim], as the next ones
  const float* attn_k_bias = nullptr;
  const float* attn_v_bias = nullptr;
  const float* attn_output_bias = nullptr;
  const float* attn_norm = nullptr;
  const float* attn_norm_bias = nullptr;
  Matrix ffn_up;                         // [ffn_dim, model_dim]
  const float* ffn_up_bias = nullptr;    // [ffn_dim]
  Matrix ffn_down;                       // [model_dim, ffn_dim]
  const float* ffn_down_bias = nullptr;  // [model_dim], as the next ones
  const float* ffn_norm = nullptr;
  const float* ffn_norm_bias = nullptr;
};

// y[tokens, model_dim] = block(x[tokens, model_dim]); exactly one of llama and bert is set.
// The Llama block is causal, its tokens at positions start .. start + tokens - 1 after `start`
// cached positions of seeded random K and V; BERT's sees all tokens and has start = 0.
struct BlockCase {
  ModelShape shape;
  const Layer* llama = nullptr;
  const BertLayer* bert = nullptr;
  const float* rope_factors = nullptr;
  int64_t tokens = 0;
  int64_t start = 0;
  uint64_t cache_seed = 1;
  const float* x = nullptr;  // [tokens, model_dim]
};

// Operations and compulsory bytes of the block: its linear layers and its attention.
double BlockFlop(const BlockCase& c);
double BlockByte(const BlockCase& c);

// Double precision on exactly dequantised weights: y[tokens, model_dim].
void BlockReference(const BlockCase& c, double* y);

}  // namespace wattline::kernels
