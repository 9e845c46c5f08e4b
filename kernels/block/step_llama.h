// A training step of Llama's block on the CPU.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/block/step_block.h"

namespace wattline::kernels {

class LlamaStep final : public BlockStep {
 public:
  LlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool);

 private:
  void MakeBackward();
  // out[row] = RMSNorm(x[row])
  void Norm(Slice slice, const float* x, const float* weight, const StepOperand& out) const;
  void Forward(Worker& worker) override;
  void FeedForwardBackward(Worker& worker) override;
  void AttentionBackward(Worker& worker) override;
  std::vector<StepTensor<float>> VectorGradients() const override;
  std::vector<GradientOperands> WeightOperands() const override;
  // dx = beside + the gradient through the norm of dn_; r_ for the norm's weight.
  void NormBackward(Slice slice, const float* x, const float* weight, const float* beside,
                    float* dx) const;
  // RoPE's inverse on dQ and dK, which become operands with dV; the parts of a group's heads are
  // summed in their order.
  void HeadGradients(Slice slice) const;
  // out[kv_heads, head_dim] of one token.
  void SumGroups(const Buffer<float>& parts, int64_t token, float* out) const;
  void Rope(float* heads, int64_t count, const Buffer<float>& angles, int64_t token) const;
  float* Room(Slice slice) const { return room_.data() + slice.index * room_cols_; }

  const Layer layer_;

  Buffer<float> angles_, inverse_angles_;  // [tokens, rope_dim]
  StepOperand n1_, n2_, hidden_;           // inputs of the linear layers
  Buffer<float> x1_;                       // [tokens, model_dim]
  Buffer<float> gate_, up_;                // [tokens, ffn_dim]
  int64_t room_cols_ = 0;
  Buffer<float> room_;  // [threads, room_cols_]

  StepOperand dy_, dgate_, dup_, dx1_operand_, dk_operand_, dv_operand_;
  Buffer<float> dh_;                      // [tokens, ffn_dim]
  Buffer<float> dn_, dx1_;                // [tokens, model_dim]
  Buffer<float> r_;                       // [tokens]
  Buffer<float> dattn_norm_, dffn_norm_;  // [model_dim]
};

}  // namespace wattline::kernels
