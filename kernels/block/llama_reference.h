// One Llama layer in double precision, run by all threads of a pool: what the reference block and
// the reference decoder are made from.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/block/kv_cache.h"
#include "kernels/model/model.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

// y[tokens, w.rows] = x[tokens, w.cols] W^T. Each row of W is dequantised once, by one thread; a
// sum's order does not depend on the number of threads. No barrier.
void LinearRows(Slice slice, const Matrix& w, const double* x, int64_t tokens, double* y);

// Softmax attention of row `row`, head `head`, over positions 0 .. visible - 1 of one KV head:
// q, out [head_dim]; k, v [visible, head_dim].
void AttendHead(const double* q, const double* k, const double* v, int64_t visible,
                int64_t head_dim, std::vector<double>& weights, double* out);

class LlamaReference {
 public:
  LlamaReference(const ModelShape& shape, const float* rope_factors, int64_t rows);

  // x[rows, model_dim] becomes the layer's output; K and V of the new tokens are appended to the
  // layer's cache. Every thread of the pool calls it; complete on every thread on return.
  void Run(Worker& worker, const Layer& layer, TokenRows t, KvLayout layout, double* k, double* v,
           double* x);

 private:
  void Store(Slice slice, TokenRows t, KvLayout layout, double* k, double* v);
  void Attend(Slice slice, TokenRows t, KvLayout layout, const double* k, const double* v);

  ModelShape shape_;
  const float* rope_factors_;
  std::vector<double> norm_;       // [rows, model_dim]
  std::vector<double> q_, k_, v_;  // [rows, heads or kv_heads, head_dim]
  std::vector<double> attended_;   // [rows, heads, head_dim]
  std::vector<double> gate_, up_;  // [rows, ffn_dim]
  std::vector<double> y_;          // [rows, model_dim]
};

}  // namespace wattline::kernels
