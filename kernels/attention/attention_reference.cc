// Attention in double precision on the cache, one query and head after the other.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/dequant/dequant.h"

namespace wattline::kernels {
namespace {

// q, out: [head_dim]; k, v: [visible, head_dim]; weights: [visible], overwritten.
void OneQuery(const float* q, const double* k, const double* v, int64_t visible, int64_t head_dim,
              double* weights, double* out) {
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  double max = -INFINITY;
  for (int64_t p = 0; p < visible; ++p) {
    double dot = 0;
    for (int64_t d = 0; d < head_dim; ++d) dot += q[d] * k[p * head_dim + d];
    weights[p] = dot * scale;
    max = std::max(max, weights[p]);
  }
  double sum = 0;
  std::fill_n(out, head_dim, 0.0);
  for (int64_t p = 0; p < visible; ++p) {
    const double weight = std::exp(weights[p] - max);
    sum += weight;
    for (int64_t d = 0; d < head_dim; ++d) out[d] += weight * v[p * head_dim + d];
  }
  for (int64_t d = 0; d < head_dim; ++d) out[d] /= sum;
}

}  // namespace

std::vector<double> AttentionCacheHead(const AttentionArgs& args, const void* cache,
                                       int64_t kv_head) {
  const AttentionShape& s = args.shape;
  const int64_t positions = s.start + s.tokens;
  const int64_t row_byte = RowByte(args.format, s.head_dim);
  const auto* rows = static_cast<const std::byte*>(cache) + kv_head * args.capacity * row_byte;
  std::vector<double> out(static_cast<size_t>(positions * s.head_dim));
  for (int64_t p = 0; p < positions; ++p) {
    DequantReference(args.format, rows + p * row_byte, s.head_dim, out.data() + p * s.head_dim);
  }
  return out;
}

void AttentionReference(const AttentionArgs& args, double* out) {
  const AttentionShape& s = args.shape;
  const int64_t group = s.heads / s.kv_heads;
  const int64_t end = s.start + s.tokens;
  std::vector<double> weights(static_cast<size_t>(end));
  for (int64_t kv = 0; kv < s.kv_heads; ++kv) {
    const std::vector<double> k = AttentionCacheHead(args, args.k, kv);
    const std::vector<double> v = AttentionCacheHead(args, args.v, kv);
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t head = kv * group; head < (kv + 1) * group; ++head) {
        const int64_t at = (t * s.heads + head) * s.head_dim;
        OneQuery(args.q + at, k.data(), v.data(), AttentionVisible(s, t), s.head_dim,
                 weights.data(), out + at);
      }
    }
  }
}

}  // namespace wattline::kernels
