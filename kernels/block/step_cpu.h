// Training steps of a transformer block on the CPU backends.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/block/step.h"
#include "kernels/block/step_kernels.h"
#include "kernels/buffer.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/gemm/gemm_elements.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

struct Backend;

MadeStep MakeCpuStep(const Backend& backend, const StepCase& c, StepPass pass, ThreadPool& pool);

// A tensor as GEMM takes it, rows back to back, in f32 or bf16. In bf16 weights, activations and
// gradients of activations are rounded where they become an operand of a product; sums, the
// residual stream, and the gradients of weights are f32.
struct StepOperand {
  StepOperand() = default;
  StepOperand(GemmType of, int64_t rows, int64_t row_elements)
      : type(of), cols(row_elements), bytes(rows * cols * ElementByte(type)) {}

  // Where f32 values of this row are to be written, and what makes them the operand's: in bf16 they
  // pass through `room`, [cols].
  float* Target(int64_t row, float* room) const {
    return type == GemmType::kF32 ? reinterpret_cast<float*>(bytes.data()) + row * cols : room;
  }
  void Take(const StepKernels& step, int64_t row, const float* values) const {
    if (type == GemmType::kF32) return;
    step.bf16_from_f32(values, cols, reinterpret_cast<uint16_t*>(bytes.data()) + row * cols);
  }

  GemmType type = GemmType::kF32;
  int64_t cols = 0;
  Buffer<std::byte> bytes;  // [rows, cols] of the type's elements
};

// The three products of a linear layer, on one thread's share; all of one shape share C alike, so
// that a thread may add to its part of C without a meeting.
class StepLinear {
 public:
  StepLinear(const StepKernels& step, GemmType type, int threads);

  // y[tokens, w.rows] = x W^T
  void Forward(const void* x, int64_t tokens, const Matrix& w, float* y, Slice slice) const;
  // dx[tokens, w.cols] (+)= dy W
  void InputGradient(const void* dy, int64_t tokens, const Matrix& w, bool add, float* dx,
                     Slice slice) const;
  // dw[rows, cols] = dy^T x, for dy [tokens, rows] and x [tokens, cols]
  void WeightGradient(const void* dy, const void* x, int64_t tokens, int64_t rows, int64_t cols,
                      float* dw, Slice slice) const;

 private:
  void Run(StridedGemm g, Slice slice) const;

  const StepKernels& step_;
  GemmType type_;
  int64_t scratch_byte_;
  Buffer<std::byte> scratch_;
};

std::unique_ptr<StepWork> MakeLlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                        ThreadPool& pool);

std::unique_ptr<StepWork> MakeBertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                       ThreadPool& pool);

}  // namespace wattline::kernels
