// Attention with grouped queries over a KV cache in f16: prefill (causal or not) and single query.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/slice.h"

namespace wattline::kernels {

struct AttentionShape {
  int64_t tokens = 0;  // queries in this call, at positions start .. start + tokens - 1
  int64_t start = 0;   // cached positions before them
  int64_t heads = 0;
  int64_t kv_heads = 0;  // divides heads
  int64_t head_dim = 0;  // multiple of 16
  bool causal = true;    // query i sees positions 0 .. start + i; else 0 .. start + tokens - 1
};

// out[t, h] = softmax(q[t, h] . K[h'] / sqrt(head_dim)) V[h'], h' = h * kv_heads / heads.
struct AttentionArgs {
  AttentionShape shape;
  const float* q = nullptr;      // [tokens, heads, head_dim]
  const uint16_t* k = nullptr;   // f16 [kv_heads, capacity, head_dim]
  const uint16_t* v = nullptr;   // f16 [kv_heads, capacity, head_dim]
  int64_t capacity = 0;          // positions that each head of the cache has room for
  float* out = nullptr;          // [tokens, heads, head_dim]
  std::byte* scratch = nullptr;  // AttentionScratchByte(shape, threads) bytes shared by all threads
};

// Positions that the query of token `token` sees.
constexpr int64_t AttentionVisible(const AttentionShape& s, int64_t token) {
  return s.start + (s.causal ? token + 1 : s.tokens);
}

// Operations: 4 head_dim per query, head and visible position (QK^T and PV); softmax not counted.
double AttentionFlop(AttentionShape s);
// Compulsory bytes: visible K and V once in f16, q and out once in f32.
double AttentionByte(AttentionShape s);

// Bytes of scratch for `threads` threads: partial (max, sum, out) of each split of a single query,
// or the tiles of a prefill. Grows with tokens and does not depend on start: enough for a call of
// s.tokens is enough for every shorter one.
int64_t AttentionScratchByte(AttentionShape s, int threads);

// Double precision on the same f16 cache.
void AttentionReference(const AttentionArgs& args, double* out);
// Bound of |out - reference| for every element, absolute; derivation in attention.cc.
double AttentionTolerance(const AttentionArgs& args);

}  // namespace wattline::kernels
