// One BERT block in double precision, run by all threads of a pool: what the reference block and
// the reference encoder are made from.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/block/block.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

class BertReference {
 public:
  BertReference(const ModelShape& shape, int64_t tokens);

  // x[tokens, model_dim] becomes the block's output. Every thread of the pool calls it; complete on
  // every thread on return.
  void Run(Worker& worker, const BertLayer& layer, double* x);

 private:
  // y[tokens, w.rows] = in W^T + bias, the slice's columns of it.
  void Affine(Slice slice, const Matrix& w, const float* bias, const double* in, double* y) const;
  void Attend(Slice slice);
  // x = LayerNorm(x + y_), the slice's rows.
  void AddAndNorm(Slice slice, const float* weight, const float* bias, double* x) const;

  ModelShape shape_;
  int64_t tokens_;
  std::vector<double> q_, k_, v_, attended_;  // [tokens, heads, head_dim]
  std::vector<double> up_;                    // [tokens, ffn_dim]
  std::vector<double> y_;                     // [tokens, model_dim]
};

}  // namespace wattline::kernels
