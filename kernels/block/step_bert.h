// A training step of BERT's block on the CPU, in stages as step_llama.h has them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/block/step_cpu.h"

namespace wattline::kernels {

class BertStep final : public StepWork {
 public:
  BertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool);

  void Run() override { pool_.Run(body_); }
  void RunAttention() override { pool_.Run(attention_body_); }
  std::vector<StepTensor<float>> Tensors() const override;
  std::vector<StepWeightGradient> WeightGradients() const override;
  std::vector<float> Result() const override;

 private:
  void MakeBackward();
  void Forward(Worker& worker);
  void FeedForwardBackward(Worker& worker);
  void AttentionBackward(Worker& worker);
  // sum = x + product + bias for the thread's rows; out = LayerNorm(sum)
  void AddAndNorm(Slice slice, const float* x, const float* bias, const float* weight,
                  const float* norm_bias, float* sum, float* out) const;
  // dsum = the gradient through a LayerNorm of dout, for the thread's rows.
  void NormBackward(Slice slice, const float* sum, const float* weight, const float* dout,
                    float* dsum) const;
  // The thread's rows of values as an operand; nothing in f32, where they are one.
  void Round(Slice slice, const float* values, const StepOperand& out) const;
  StepAttention Attention(Slice slice) const;
  void AttentionOnly(Worker& worker);

  Range Mine(Slice slice) const { return Share(tokens_, 1, slice); }
  // Whole cache lines of columns, so that no two threads write one.
  static Range Columns(int64_t cols, Slice slice) { return Share(cols, 16, slice); }
  const std::byte* Operand(const StepOperand& rounded, const float* values) const {
    return type_ == GemmType::kF32 ? reinterpret_cast<const std::byte*>(values)
                                   : rounded.bytes.data();
  }
  const std::byte* Operand(const StepOperand& rounded, const Buffer<float>& values) const {
    return Operand(rounded, values.data());
  }

  const CpuKernels& kernels_;
  const StepKernels& step_;
  const StepCase case_;
  const ModelShape shape_;
  const BertLayer layer_;
  const bool backward_;
  const GemmType type_;
  const int64_t tokens_, dim_, ffn_;
  ThreadPool& pool_;
  const StepLinear linear_;
  const std::function<void(Worker&)> body_, attention_body_;

  Buffer<float> q_, k_, v_, out_;       // [tokens, heads, head_dim]
  Buffer<float> log_sums_;              // [heads, tokens]
  Buffer<float> sum1_, x1_, sum2_, y_;  // [tokens, model_dim]
  Buffer<float> up_, hidden_;           // [tokens, ffn_dim]
  StepOperand x_operand_, out_operand_, x1_operand_, hidden_operand_;
  int64_t attention_floats_ = 0;
  Buffer<float> attention_scratch_;  // [threads, attention_floats_]

  Buffer<float> dsum2_, dx1_, dsum1_, dx_;  // [tokens, model_dim]
  Buffer<float> dup_;                       // [tokens, ffn_dim]
  Buffer<float> dout_, dq_, dk_, dv_;       // [tokens, heads, head_dim]
  Buffer<float> dk_heads_, dv_heads_;       // [heads, tokens, head_dim]
  StepOperand dsum2_operand_, dup_operand_, dsum1_operand_, dq_operand_, dk_operand_, dv_operand_;
  Buffer<NormRow> rows_;  // [tokens]
  Buffer<float> dattn_norm_, dattn_norm_bias_, dffn_norm_, dffn_norm_bias_;
  std::vector<Buffer<float>> dbias_, dw_;  // in the order of kBertMatrices
};

}  // namespace wattline::kernels
