// A training step of BERT's block on the CPU.
#pragma once

#include <vector>

#include "kernels/block/step_block.h"

namespace wattline::kernels {

class BertStep final : public BlockStep {
 public:
  BertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool);

 private:
  void MakeBackward();
  void Forward(Worker& worker) override;
  void FeedForwardBackward(Worker& worker) override;
  void AttentionBackward(Worker& worker) override;
  std::vector<StepTensor<float>> VectorGradients() const override;
  std::vector<GradientOperands> WeightOperands() const override;
  // sum = x + product + bias for the thread's rows; out = LayerNorm(sum)
  void AddAndNorm(Slice slice, const float* x, const float* bias, const float* weight,
                  const float* norm_bias, float* sum, float* out) const;
  // dsum = the gradient through a LayerNorm of dout, for the thread's rows.
  void NormBackward(Slice slice, const float* sum, const float* weight, const float* dout,
                    float* dsum) const;

  const BertLayer layer_;

  Buffer<float> sum1_, x1_, sum2_;  // [tokens, model_dim]
  Buffer<float> up_, hidden_;       // [tokens, ffn_dim]
  StepOperand x_operand_, x1_operand_, hidden_operand_;

  Buffer<float> dsum2_, dx1_, dsum1_;  // [tokens, model_dim]
  Buffer<float> dup_;                  // [tokens, ffn_dim]
  Buffer<float> dk_, dv_;              // [tokens, heads, head_dim]
  StepOperand dsum2_operand_, dup_operand_, dsum1_operand_, dk_operand_, dv_operand_;
  Buffer<NormRow> rows_;  // [tokens]
  Buffer<float> dattn_norm_, dattn_norm_bias_, dffn_norm_, dffn_norm_bias_;
  std::vector<Buffer<float>> dbias_;  // in the order of dw_
};

}  // namespace wattline::kernels
