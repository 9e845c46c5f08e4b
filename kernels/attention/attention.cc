// Attention: its laws, the size of its scratch, its tolerance.
#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attention/attention_plan.h"

namespace wattline::kernels {

double AttentionFlop(AttentionShape s) {
  const double tokens = static_cast<double>(s.tokens);
  const double start = static_cast<double>(s.start);
  const double seen =
      s.causal ? tokens * start + tokens * (tokens + 1) / 2 : tokens * (start + tokens);
  return 4.0 * static_cast<double>(s.head_dim * s.heads) * seen;
}

double AttentionByte(AttentionShape s, Format format) {
  const int64_t rows = s.kv_heads * (s.start + s.tokens);
  const double cache = 2 * static_cast<double>(rows * RowByte(format, s.head_dim));
  return cache + static_cast<double>(s.tokens * s.heads * s.head_dim) * 4 * 2;
}

bool IsCacheFormat(Format format, int64_t head_dim) {
  if (head_dim % Info(format).block_elements != 0) return false;
  return format == Format::kF16 || format == Format::kBF16 || format == Format::kQ8_0;
}

int64_t AttentionScratchByte(AttentionShape s, int threads) {
  AttentionShape split = s;
  split.tokens = std::min(s.tokens, kSplitTokens);
  int64_t floats = SplitScratchFloats(split, threads);
  if (!IsSplit(s)) floats = std::max(floats, threads * TileScratchFloats(s));
  return floats * static_cast<int64_t>(sizeof(float));
}

namespace {

template <typename Get>
double MaxNorm(int64_t rows, int64_t cols, Get get) {
  double max = 0;
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < cols; ++c) {
      const double x = get(r * cols + c);
      sum += x * x;
    }
    max = std::max(max, sum);
  }
  return std::sqrt(max);
}

}  // namespace

// Both sides read the same cache, so that only f32 rounding (u = 2^-24 each) and the
// exponential (kExpError, relative) separate them. n = visible positions, B = max|q| max|k| /
// sqrt(head_dim), a bound of every score and of the sum of its terms' sizes.
// - A score: head_dim roundings of the dot product, 4 of the scale, the shift by the maximum (its
//   size is at most 2 B): (head_dim + 6) u B, absolute, which becomes relative in the exponential.
// - Keys in q8_0 may meet queries rounded to 16 bits, half a step of max|q_d| / 32767 off in each
//   element (0.51 with the roundings of the step): in a call of up to kSplitTokens, a score is off
//   by another 0.51 / 32767 max|q_d| sqrt(head_dim) max|k| / sqrt(head_dim).
// - Each of the n / 64 tiles may rescale what came before by an exponential, and each split once
//   more: (kExpError + 3 u) relative, the exponents of all rescalings adding up to at most 2 B.
// - Weights that are off by e each, relative, move their normalised mean by 2 e max|V|.
// - The sums over n weights and n products: 2 n u max|V|.
// - A narrower type rounds queries and scores by `unit` each, B at most, and the weights.
double AttentionTolerance(const AttentionArgs& args, double unit) {
  constexpr double kU = 0x1p-24;
  const AttentionShape& s = args.shape;
  const int64_t n = s.start + s.tokens;
  const double dim = static_cast<double>(s.head_dim);
  const double max_q = MaxNorm(s.tokens * s.heads, s.head_dim,
                               [&](int64_t i) { return static_cast<double>(args.q[i]); });
  double step = 0;  // of queries rounded to 16 bits
  if (args.format == Format::kQ8_0 && IsSplit(s)) {
    for (int64_t i = 0; i < s.tokens * s.heads * s.head_dim; ++i) {
      step = std::max(step, std::abs(static_cast<double>(args.q[i])) / 32767);
    }
  }
  double bound = 0;
  for (int64_t kv = 0; kv < s.kv_heads; ++kv) {
    const std::vector<double> k = AttentionCacheHead(args, args.k, kv);
    const std::vector<double> v = AttentionCacheHead(args, args.v, kv);
    const double max_k =
        MaxNorm(n, s.head_dim, [&](int64_t i) { return k[static_cast<size_t>(i)]; });
    double max_v = 0;
    for (const double x : v) max_v = std::max(max_v, std::abs(x));
    const double score = max_q * max_k / std::sqrt(dim);
    const double rescales = static_cast<double>(n) / 64 + 2;
    const double weight = (dim + 6) * kU * score + 2 * kU * score + 0.51 * step * max_k +
                          (rescales + 1) * (kExpError + 3 * kU) + unit * (2 * score + 2);
    bound = std::max(bound, max_v * (2 * weight + 2 * static_cast<double>(n) * kU));
  }
  return bound;
}

}  // namespace wattline::kernels
