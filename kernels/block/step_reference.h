// Pieces of the step of training in double precision, each forward and backward.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/block/step.h"
#include "kernels/matrix.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

// As StepReference, for BERT's block.
void BertStepReference(const StepCase& c, ThreadPool& pool,
                       const std::function<void(StepTensor<double>)>& take);

}  // namespace wattline::kernels

namespace wattline::kernels::step_reference {

using Doubles = std::vector<double>;

// run(i) for i < count, shared by the pool's threads.
void Rows(ThreadPool& pool, int64_t count, const std::function<void(int64_t)>& run);
Doubles Plus(const Doubles& a, const Doubles& b);

// Linear layers: x [tokens, w.cols], y and dy [tokens, w.rows].
struct Linear {
  ThreadPool& pool;
  int64_t tokens;

  Doubles Forward(const Matrix& w, const Doubles& x) const;
  Doubles InputGradient(const Matrix& w, const Doubles& dy) const;    // dY W
  Doubles WeightGradient(const Doubles& dy, const Doubles& x) const;  // dY^T X
};

// Softmax attention over the call's own tokens: q, out [tokens, heads, head_dim]; k, v [tokens,
// kv_heads, head_dim].
struct Heads {
  int64_t tokens;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  bool causal;

  Doubles Forward(ThreadPool& pool, const Doubles& q, const Doubles& k, const Doubles& v) const;
  void Backward(ThreadPool& pool, const Doubles& q, const Doubles& k, const Doubles& v,
                const Doubles& out, const Doubles& dout, Doubles& dq, Doubles& dk,
                Doubles& dv) const;
  // The weights of one query: its softmax over the positions that it sees.
  Doubles Weights(const Doubles& q, const Doubles& k, int64_t token, int64_t head) const;
};

// Rows of `dim` elements.
Doubles RmsForward(const Doubles& x, const float* weight, int64_t dim, double eps);
// dx; sets dw[dim].
Doubles RmsBackward(const Doubles& x, const Doubles& dy, const float* weight, int64_t dim,
                    double eps, Doubles& dw);

Doubles LayerNormForward(const Doubles& x, const float* weight, const float* bias, int64_t dim,
                         double eps);
// dx; sets dw[dim] and db[dim].
Doubles LayerNormBackward(const Doubles& x, const Doubles& dy, const float* weight, int64_t dim,
                          double eps, Doubles& dw, Doubles& db);

// Rows of `dim` elements: x + bias, and the bias's gradient, the sum of dy over rows.
Doubles PlusBias(Doubles x, const float* bias, int64_t dim);
Doubles BiasGradient(const Doubles& dy, int64_t dim);

}  // namespace wattline::kernels::step_reference
