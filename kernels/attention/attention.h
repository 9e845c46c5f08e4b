// Attention with grouped queries over a KV cache in f16, bf16 or q8_0: prefill (causal or not) and
// single query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/format.h"
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
  const float* q = nullptr;  // [tokens, heads, head_dim]
  // Both [kv_heads, capacity, head_dim] in `format`: f16, bf16 or q8_0 (its blocks lie along
  // head_dim, a multiple of 32 then). A call of few tokens may round q to 16 bits, a scale per row,
  // where it meets k in q8_0; AVX-512 does.
  const void* k = nullptr;
  const void* v = nullptr;
  Format format = Format::kF16;
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
// Compulsory bytes: visible K and V once in `format`, q and out once in f32.
double AttentionByte(AttentionShape s, Format format = Format::kF16);
// Whether the kernels and the reference take a cache of `format` for this head_dim.
bool IsCacheFormat(Format format, int64_t head_dim);

// Bytes of scratch for `threads` threads: partial (max, sum, out) of each split of a single query,
// or the tiles of a prefill. Grows with tokens and does not depend on start: enough for a call of
// s.tokens is enough for every shorter one.
int64_t AttentionScratchByte(AttentionShape s, int threads);

// The visible positions of one head of `cache`, which is args.k or args.v: exact values
// [start + tokens, head_dim].
std::vector<double> AttentionCacheHead(const AttentionArgs& args, const void* cache,
                                       int64_t kv_head);
// Double precision on the same cache.
void AttentionReference(const AttentionArgs& args, double* out);
// Bound of |out - reference| for every element, absolute; derivation in attention.cc. `unit`: of a
// narrower type that queries, scores and weights are rounded to, relative.
double AttentionTolerance(const AttentionArgs& args, double unit = 0);

}  // namespace wattline::kernels
