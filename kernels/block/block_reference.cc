#include <algorithm>
#include <vector>

#include "kernels/block/block.h"
#include "kernels/block/kv_cache.h"
#include "kernels/block/llama_reference.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {
namespace {

size_t Count(int64_t n) { return static_cast<size_t>(n); }

void LlamaBlock(const BlockCase& c, double* y) {
  const KvLayout layout = {c.shape.kv_heads, c.start + c.tokens, c.shape.head_dim};
  std::vector<double> k(Count(layout.SequenceElements()));
  std::vector<double> v(k.size());
  for (int64_t head = 0; head < layout.kv_heads; ++head) {
    for (int64_t position = 0; position < c.start; ++position) {
      for (const KvKind kind : {KvKind::kK, KvKind::kV}) {
        double* to = (kind == KvKind::kK ? k : v).data() + layout.Offset(0, head, position);
        RandomKv(c.cache_seed, {0, 0, head, position, kind}, layout.head_dim,
                 [to](int64_t i, uint16_t x) { to[i] = FloatFromF16(x); });
      }
    }
  }
  std::copy_n(c.x, c.tokens * c.shape.model_dim, y);
  LlamaReference layer(c.shape, c.rope_factors, c.tokens);
  ThreadPool alone(1);
  alone.Run([&](Worker& worker) {
    layer.Run(worker, *c.llama, {1, c.tokens, c.start}, layout, k.data(), v.data(), y);
  });
}

// y[tokens, w.rows] = x W^T + bias
std::vector<double> Affine(const Matrix& w, const float* bias, const std::vector<double>& x,
                           int64_t tokens) {
  std::vector<double> y(Count(tokens * w.rows));
  LinearRows({}, w, x.data(), tokens, y.data());
  for (int64_t i = 0; i < tokens * w.rows; ++i) y[Count(i)] += bias[i % w.rows];
  return y;
}

// x = LayerNorm(x + y), row by row.
void AddAndNorm(const std::vector<double>& y, const float* weight, const float* bias,
                const ModelShape& s, std::vector<double>& x) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  const auto rows = static_cast<int64_t>(x.size()) / s.model_dim;
  for (int64_t r = 0; r < rows; ++r) {
    double* row = x.data() + r * s.model_dim;
    LayerNormReference(row, weight, bias, s.model_dim, s.rms_eps, row);
  }
}

void BertBlock(const BlockCase& c, double* y) {
  const ModelShape& s = c.shape;
  const BertLayer& l = *c.bert;
  std::vector<double> x(c.x, c.x + c.tokens * s.model_dim);
  const std::vector<double> q = Affine(l.attn_q, l.attn_q_bias, x, c.tokens);
  const std::vector<double> k = Affine(l.attn_k, l.attn_k_bias, x, c.tokens);
  const std::vector<double> v = Affine(l.attn_v, l.attn_v_bias, x, c.tokens);

  // One head's K and V, position after position.
  std::vector<double> head_k(Count(c.tokens * s.head_dim));
  std::vector<double> head_v(head_k.size());
  std::vector<double> weights;
  std::vector<double> attended(q.size());
  for (int64_t head = 0; head < s.heads; ++head) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      const int64_t from = (t * s.heads + head) * s.head_dim;
      std::copy_n(k.data() + from, s.head_dim, head_k.data() + t * s.head_dim);
      std::copy_n(v.data() + from, s.head_dim, head_v.data() + t * s.head_dim);
    }
    for (int64_t t = 0; t < c.tokens; ++t) {
      const int64_t at = (t * s.heads + head) * s.head_dim;
      AttendHead(q.data() + at, head_k.data(), head_v.data(), c.tokens, s.head_dim, weights,
                 attended.data() + at);
    }
  }
  AddAndNorm(Affine(l.attn_output, l.attn_output_bias, attended, c.tokens), l.attn_norm,
             l.attn_norm_bias, s, x);
  std::vector<double> up = Affine(l.ffn_up, l.ffn_up_bias, x, c.tokens);
  GeluReference(up.data(), static_cast<int64_t>(up.size()), up.data());
  AddAndNorm(Affine(l.ffn_down, l.ffn_down_bias, up, c.tokens), l.ffn_norm, l.ffn_norm_bias, s, x);
  std::copy(x.begin(), x.end(), y);
}

}  // namespace

void BlockReference(const BlockCase& c, double* y) {
  c.llama != nullptr ? LlamaBlock(c, y) : BertBlock(c, y);
}

}  // namespace wattline::kernels
