// What the training steps of both blocks have in common: their attention, the operands and
// gradients of their weights, and the order of their stages. A stage is what every thread does of
// its own share; a meeting follows where the next one reads what others wrote.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "kernels/block/step_cpu.h"

namespace wattline::kernels {

class BlockStep : public StepWork {
 public:
  void Run() override { pool_.Run(body_); }
  void RunAttention() override { pool_.Run(attention_body_); }
  std::vector<StepTensor<float>> Tensors() const override;
  std::vector<StepWeightGradient> WeightGradients() const override;
  std::vector<float> Result() const override;

 protected:
  struct Weight {
    std::string_view name;
    Matrix w;
  };
  // Of one weight's gradient, as in StepWeightGradient.
  struct GradientOperands {
    const std::byte* dy;
    const std::byte* x;
  };

  // `weights` in the order of dw_.
  BlockStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool,
            bool causal, std::vector<Weight> weights);

  virtual void Forward(Worker& worker) = 0;
  // From dy to the gradient of the residual stream between the two sublayers.
  virtual void FeedForwardBackward(Worker& worker) = 0;
  // From there to dx_.
  virtual void AttentionBackward(Worker& worker) = 0;
  // Of norms and biases.
  virtual std::vector<StepTensor<float>> VectorGradients() const = 0;
  // In the order of dw_.
  virtual std::vector<GradientOperands> WeightOperands() const = 0;

  Buffer<float> Rows(int64_t cols) const { return Buffer<float>(tokens_ * cols); }
  StepOperand OperandRows(int64_t cols) const { return {type_, tokens_, cols}; }
  // Beside values that are kept in f32, which are the operand there.
  StepOperand RoundedRows(int64_t cols) const {
    return OperandRows(type_ == GemmType::kF32 ? 0 : cols);
  }
  const std::byte* Operand(const StepOperand& rounded, const float* values) const {
    return type_ == GemmType::kF32 ? reinterpret_cast<const std::byte*>(values)
                                   : rounded.bytes.data();
  }
  const std::byte* Operand(const StepOperand& rounded, const Buffer<float>& values) const {
    return Operand(rounded, values.data());
  }
  const std::byte* Attended() const { return Operand(attended_, out_); }
  // The thread's rows of values as an operand; nothing in f32.
  void Round(Slice slice, const float* values, const StepOperand& out) const;
  Range Mine(Slice slice) const { return Share(tokens_, 1, slice); }
  // Whole cache lines of columns, so that no two threads write one.
  static Range Columns(int64_t cols, Slice slice) { return Share(cols, 16, slice); }
  StepAttention Attention(Slice slice) const;

  const CpuKernels& kernels_;
  const StepKernels& step_;
  const StepCase case_;
  const ModelShape shape_;
  const bool backward_;
  const GemmType type_;
  const int64_t tokens_, dim_, ffn_, q_dim_, kv_dim_;
  const StepLinear linear_;

  Buffer<float> q_, k_, v_, out_;      // [tokens, heads or kv_heads, head_dim]
  Buffer<float> y_;                    // [tokens, model_dim]
  Buffer<float> dx_;                   // [tokens, model_dim]
  Buffer<float> dout_, dq_;            // [tokens, heads, head_dim]
  Buffer<float> dk_parts_, dv_parts_;  // [heads, tokens, head_dim]
  StepOperand attended_, dq_operand_;  // of out_ and dq_
  std::vector<Buffer<float>> dw_;

 private:
  void Pass(Worker& worker);
  void AttentionOnly(Worker& worker) const;

  const bool causal_;
  const std::vector<Weight> weights_;
  ThreadPool& pool_;
  const std::function<void(Worker&)> body_, attention_body_;
  Buffer<float> log_sums_;  // [heads, tokens]
  int64_t attention_floats_ = 0;
  Buffer<float> attention_scratch_;  // [threads, attention_floats_]
};

}  // namespace wattline::kernels
