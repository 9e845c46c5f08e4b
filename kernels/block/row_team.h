// What the CPU's layers share: who owns which rows of the residual stream, and the linear stage.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "kernels/block/step_part.h"
#include "kernels/buffer.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/linear/linear.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

// Passes of up to this many rows give K and V their input as two 8-bit terms, x and what its
// rounding left, which run as twice the rows of one GEMV: the weights are read once all the same. K
// and V stay in the cache, where every later token meets their error. Measured on SmolLM2-135M
// q4_1, token by token, against double precision: rms error of the listed logits 0.269 (avx512) and
// 0.208 (avx2) with one term, 0.196 on both with two. The error is chaotic: a change of the order
// of a sum alone moved 0.239 to 0.269.
constexpr int64_t kRefinedRows = kGemvTokens / 2;

// Room for rows between two linear stages.
struct RowBuffers {
  Buffer<float> x;         // the residual stream, [rows, model_dim]
  Buffer<float> in;        // input of the next linear stage, [rows, its cols]
  ActivationBuffer forms;  // that input as the kernels take it
  Buffer<float> terms;     // [2 kRefinedRows, model_dim]: x, then what 8 bits left of it
  ActivationBuffer term_forms;
};

// What one thread works with during a pass. With several rows, each thread owns its share of them
// in buffers that all see, and a meeting follows before they become a linear layer's input. With
// one row, every thread computes the whole row for itself in buffers of its own ("solo"), which
// saves two meetings at each of a layer's four linear stages.
struct Member {
  Worker& worker;
  int64_t rows_in_pass;
  bool solo;
  Slice slice;  // of the rows
  Range rows;   // the same, in numbers
  RowBuffers& buffers;
  std::byte* scratch;            // of the linear kernels, this thread's own
  StepParts parts = kWholeStep;  // what runs; what does not leaves its buffers as they are

  bool Runs(StepParts part) const { return (parts & part) != 0; }

  float* X(int64_t row, int64_t cols) const { return buffers.x.data() + row * cols; }
  float* In(int64_t row, int64_t cols) const { return buffers.in.data() + row * cols; }
  // True for the thread that writes a row's result where all see it.
  bool Speaks() const { return !solo || worker.slice().index == 0; }
};

// One matrix of a linear stage: y[rows, w.rows] = in[rows, w.cols] W^T.
struct LinearOut {
  const Matrix* w;
  float* y;
};

class RowTeam {
 public:
  // For passes of up to `rows` rows; `widest` is the most columns of a linear input. Throws
  // std::bad_alloc.
  RowTeam(const CpuKernels& kernels, int threads, int64_t rows, int64_t model_dim, int64_t widest,
          int64_t scratch_byte);

  Member Join(Worker& worker, int64_t rows, StepParts parts = kWholeStep);
  // The same pass with a row of all threads together where each has the whole row for itself: for a
  // stage whose packing costs more than two meetings.
  Member Together(const Member& m);
  // Packs the rows of `in` ([rows, cols], by default the members' own) and runs every matrix on
  // them, form by form where their formats take several; complete on all threads on return.
  void Linear(const Member& m, std::initializer_list<LinearOut> outs) const {
    Linear(m, m.buffers.in.data(), outs);
  }
  void Linear(const Member& m, const float* in, std::initializer_list<LinearOut> outs) const;
  // The same for the members' own rows, with two terms for the matrices of `refined`, whose y has
  // 2 rows_in_pass rows: those of the first term, then those of the second, to be added. Only where
  // Refines says so.
  void LinearRefined(const Member& m, LinearOut plain,
                     std::initializer_list<LinearOut> refined) const;
  // Dense weights meet f32 activations and gain nothing.
  static bool Refines(int64_t rows_in_pass, const Matrix& w) {
    return rows_in_pass <= kRefinedRows && IsQuantised(w.format);
  }

 private:
  static void Meet(const Member& m);
  ActivationForm Form(const Activations& x, const LinearOut& out) const;
  void Run(const Member& m, const Activations& x, const LinearOut& out) const;

  const CpuKernels& kernels_;
  std::vector<RowBuffers> buffers_;  // [threads]; the first is also the shared one
  std::vector<RawBuffer> scratch_;   // [threads]
};

// The largest linear scratch of one thread for `w` with 1 .. rows rows.
int64_t LinearScratchByte(const CpuKernels& kernels, const Matrix& w, int64_t rows);

}  // namespace wattline::kernels
