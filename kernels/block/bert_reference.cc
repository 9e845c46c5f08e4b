#include "kernels/block/bert_reference.h"

#include <algorithm>

#include "kernels/block/llama_reference.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {

BertReference::BertReference(const ModelShape& shape, int64_t tokens)
    : shape_(shape),
      tokens_(tokens),
      q_(static_cast<size_t>(tokens * shape.model_dim)),
      k_(q_.size()),
      v_(q_.size()),
      attended_(q_.size()),
      up_(static_cast<size_t>(tokens * shape.ffn_dim)),
      y_(q_.size()) {}

void BertReference::Run(Worker& worker, const BertLayer& l, double* x) {
  const Slice slice = worker.slice();
  Affine(slice, l.attn_q, l.attn_q_bias, x, q_.data());
  Affine(slice, l.attn_k, l.attn_k_bias, x, k_.data());
  Affine(slice, l.attn_v, l.attn_v_bias, x, v_.data());
  worker.Barrier();
  Attend(slice);
  worker.Barrier();
  Affine(slice, l.attn_output, l.attn_output_bias, attended_.data(), y_.data());
  worker.Barrier();
  AddAndNorm(slice, l.attn_norm, l.attn_norm_bias, x);
  worker.Barrier();
  Affine(slice, l.ffn_up, l.ffn_up_bias, x, up_.data());
  worker.Barrier();
  const Range rows = Share(tokens_, 1, slice);
  double* up = up_.data() + rows.begin * shape_.ffn_dim;
  GeluReference(up, (rows.end - rows.begin) * shape_.ffn_dim, up);
  worker.Barrier();
  Affine(slice, l.ffn_down, l.ffn_down_bias, up_.data(), y_.data());
  worker.Barrier();
  AddAndNorm(slice, l.ffn_norm, l.ffn_norm_bias, x);
  worker.Barrier();
}

void BertReference::Affine(Slice slice, const Matrix& w, const float* bias, const double* in,
                           double* y) const {
  LinearRows(slice, w, in, tokens_, y);
  const Range cols = Share(w.rows, 1, slice);  // those that LinearRows wrote
  for (int64_t t = 0; t < tokens_; ++t) {
    for (int64_t c = cols.begin; c < cols.end; ++c) y[t * w.rows + c] += bias[c];
  }
}

void BertReference::Attend(Slice slice) {
  const int64_t head_dim = shape_.head_dim;
  // One head's K and V, position after position.
  std::vector<double> k(static_cast<size_t>(tokens_ * head_dim));
  std::vector<double> v(k.size());
  std::vector<double> weights;
  const Range heads = Share(shape_.heads, 1, slice);
  for (int64_t head = heads.begin; head < heads.end; ++head) {
    const auto at = [&](int64_t t) { return (t * shape_.heads + head) * head_dim; };
    for (int64_t t = 0; t < tokens_; ++t) {
      std::copy_n(k_.data() + at(t), head_dim, k.data() + t * head_dim);
      std::copy_n(v_.data() + at(t), head_dim, v.data() + t * head_dim);
    }
    for (int64_t t = 0; t < tokens_; ++t) {
      AttendHead(q_.data() + at(t), k.data(), v.data(), tokens_, head_dim, weights,
                 attended_.data() + at(t));
    }
  }
}

void BertReference::AddAndNorm(Slice slice, const float* weight, const float* bias,
                               double* x) const {
  const int64_t dim = shape_.model_dim;
  const Range rows = Share(tokens_, 1, slice);
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    double* row = x + r * dim;
    for (int64_t i = 0; i < dim; ++i) row[i] += y_[static_cast<size_t>(r * dim + i)];
    LayerNormReference(row, weight, bias, dim, shape_.rms_eps, row);
  }
}

}  // namespace wattline::kernels
