#include "kernels/block/llama_reference.h"

#include <algorithm>
#include <cmath>

#include "kernels/dequant/dequant.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {
namespace {

// Eight partial sums: the order is fixed, and the adds do not wait for each other.
double Dot(const double* a, const double* b, int64_t n) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; ++j) part[j] += a[i + j] * b[i + j];
  }
  double sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (double p : part) sum += p;
  return sum;
}

void AddRows(Range rows, int64_t cols, const double* y, double* x) {
  for (int64_t i = rows.begin * cols; i < rows.end * cols; ++i) x[i] += y[i];
}

size_t Count(int64_t n) { return static_cast<size_t>(n); }

}  // namespace

void LinearRows(Slice slice, const Matrix& w, const double* x, int64_t tokens, double* y) {
  const Range rows = Share(w.rows, 1, slice);
  std::vector<double> weights(Count(w.cols));
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    DequantReference(w.format, w.Row(r), w.cols, weights.data());
    for (int64_t t = 0; t < tokens; ++t) {
      y[t * w.rows + r] = Dot(weights.data(), x + t * w.cols, w.cols);
    }
  }
}

void AttendHead(const double* q, const double* k, const double* v, int64_t visible,
                int64_t head_dim, std::vector<double>& weights, double* out) {
  weights.resize(Count(visible));
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  double highest = -INFINITY;
  for (int64_t p = 0; p < visible; ++p) {
    weights[Count(p)] = Dot(q, k + p * head_dim, head_dim) * scale;
    highest = std::max(highest, weights[Count(p)]);
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - highest);
  std::fill(out, out + head_dim, 0.0);
  for (int64_t p = 0; p < visible; ++p) {
    for (int64_t i = 0; i < head_dim; ++i) {
      out[i] += weights[Count(p)] / sum * v[p * head_dim + i];
    }
  }
}

LlamaReference::LlamaReference(const ModelShape& shape, const float* rope_factors, int64_t rows)
    : shape_(shape),
      rope_factors_(rope_factors),
      norm_(Count(rows * shape.model_dim)),
      q_(Count(rows * shape.heads * shape.head_dim)),
      k_(Count(rows * shape.kv_heads * shape.head_dim)),
      v_(k_.size()),
      attended_(q_.size()),
      gate_(Count(rows * shape.ffn_dim)),
      up_(gate_.size()),
      y_(norm_.size()) {}

void LlamaReference::Run(Worker& worker, const Layer& layer, TokenRows t, KvLayout layout,
                         double* k, double* v, double* x) {
  const Slice slice = worker.slice();
  const Range rows = Share(t.Rows(), 1, slice);
  const int64_t dim = shape_.model_dim;
  const auto norm = [&](const float* weight) {
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      RmsNormReference(x + r * dim, weight, dim, shape_.rms_eps, &norm_[Count(r * dim)]);
    }
  };
  norm(layer.attn_norm);
  worker.Barrier();
  LinearRows(slice, layer.attn_q, norm_.data(), t.Rows(), q_.data());
  LinearRows(slice, layer.attn_k, norm_.data(), t.Rows(), k_.data());
  LinearRows(slice, layer.attn_v, norm_.data(), t.Rows(), v_.data());
  worker.Barrier();
  Store(slice, t, layout, k, v);
  worker.Barrier();
  Attend(slice, t, layout, k, v);
  worker.Barrier();
  LinearRows(slice, layer.attn_output, attended_.data(), t.Rows(), y_.data());
  worker.Barrier();
  AddRows(rows, dim, y_.data(), x);
  norm(layer.ffn_norm);
  worker.Barrier();
  LinearRows(slice, layer.ffn_gate, norm_.data(), t.Rows(), gate_.data());
  LinearRows(slice, layer.ffn_up, norm_.data(), t.Rows(), up_.data());
  worker.Barrier();
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    double* gate = &gate_[Count(r * shape_.ffn_dim)];
    SwiGluReference(gate, &up_[Count(r * shape_.ffn_dim)], shape_.ffn_dim, gate);
  }
  worker.Barrier();
  LinearRows(slice, layer.ffn_down, gate_.data(), t.Rows(), y_.data());
  worker.Barrier();
  AddRows(rows, dim, y_.data(), x);
  worker.Barrier();
}

// RoPE on q and k, then k and v into the cache: one item is one head of one row.
void LlamaReference::Store(Slice slice, TokenRows t, KvLayout layout, double* k, double* v) {
  const int64_t dim = shape_.head_dim;
  const auto rope = [&](double* head, int64_t row) {
    RopeReference(head, shape_.rope_dim, t.start + row % t.count, shape_.rope_base, rope_factors_,
                  shape_.rope_layout);
  };
  const Range queries = Share(t.Rows() * shape_.heads, 1, slice);
  for (int64_t i = queries.begin; i < queries.end; ++i) rope(&q_[Count(i * dim)], i / shape_.heads);
  const Range keys = Share(t.Rows() * shape_.kv_heads, 1, slice);
  for (int64_t i = keys.begin; i < keys.end; ++i) {
    const int64_t row = i / shape_.kv_heads;
    rope(&k_[Count(i * dim)], row);
    const int64_t to = layout.Offset(row / t.count, i % shape_.kv_heads, t.start + row % t.count);
    std::copy_n(&k_[Count(i * dim)], dim, k + to);
    std::copy_n(&v_[Count(i * dim)], dim, v + to);
  }
}

void LlamaReference::Attend(Slice slice, TokenRows t, KvLayout layout, const double* k,
                            const double* v) {
  const int64_t dim = shape_.head_dim;
  std::vector<double> weights;
  const Range items = Share(t.Rows() * shape_.heads, 1, slice);
  for (int64_t i = items.begin; i < items.end; ++i) {
    const int64_t row = i / shape_.heads;
    const int64_t kv_head = i % shape_.heads * shape_.kv_heads / shape_.heads;
    const int64_t from = layout.Offset(row / t.count, kv_head, 0);
    AttendHead(&q_[Count(i * dim)], k + from, v + from, t.start + row % t.count + 1, dim, weights,
               &attended_[Count(i * dim)]);
  }
}

}  // namespace wattline::kernels
