// A training step of Llama's block on the CPU. A stage is what every thread does of its own share;
// a meeting follows where the next one reads what others wrote.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/block/step_cpu.h"

namespace wattline::kernels {

class LlamaStep final : public StepWork {
 public:
  LlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool);

  void Run() override { pool_.Run(body_); }
  void RunAttention() override { pool_.Run(attention_body_); }
  std::vector<StepTensor<float>> Tensors() const override;
  std::vector<StepWeightGradient> WeightGradients() const override;
  std::vector<float> Result() const override;

 private:
  void MakeBackward();
  void Pass(Worker& worker);
  // out[row] = RMSNorm(x[row])
  void Norm(Slice slice, const float* x, const float* weight, const StepOperand& out) const;
  void Forward(Worker& worker);
  // From dy to dx1_, the gradient of the residual stream between the two sublayers.
  void FeedForwardBackward(Worker& worker);
  // From dx1_ to dx_.
  void AttentionBackward(Worker& worker);
  // dx = beside + the gradient through the norm of dn_; r_ for the norm's weight.
  void NormBackward(Slice slice, const float* x, const float* weight, const float* beside,
                    float* dx) const;
  // RoPE's inverse on dQ and dK, which become operands with dV; the parts of a group's heads are
  // summed in their order.
  void HeadGradients(Slice slice) const;
  // out[kv_heads, head_dim] of one token.
  void SumGroups(const Buffer<float>& parts, int64_t token, float* out) const;
  void Rope(float* heads, int64_t count, const Buffer<float>& angles, int64_t token) const;
  StepAttention Attention(Slice slice) const;
  void AttentionOnly(Worker& worker);

  Range Mine(Slice slice) const { return Share(tokens_, 1, slice); }
  float* Room(Slice slice) const { return room_.data() + slice.index * room_cols_; }
  // Whole cache lines of columns, so that no two threads write one.
  Range Columns(Slice slice) const { return Share(dim_, 16, slice); }
  // In f32 the values themselves are the operand.
  const std::byte* Operand(const StepOperand& rounded, const float* values) const {
    return type_ == GemmType::kF32 ? reinterpret_cast<const std::byte*>(values)
                                   : rounded.bytes.data();
  }
  const std::byte* Attended() const { return Operand(attended_, out_.data()); }

  const CpuKernels& kernels_;
  const StepKernels& step_;
  const StepCase case_;
  const ModelShape shape_;
  const Layer layer_;
  const bool backward_;
  const GemmType type_;
  const int64_t tokens_, dim_, q_dim_, kv_dim_;
  ThreadPool& pool_;
  const StepLinear linear_;
  const std::function<void(Worker&)> body_, attention_body_;

  Buffer<float> angles_, inverse_angles_;    // [tokens, rope_dim]
  StepOperand n1_, n2_, attended_, hidden_;  // inputs of the linear layers
  Buffer<float> q_, k_, v_, out_;            // [tokens, heads or kv_heads, head_dim]
  Buffer<float> log_sums_;                   // [heads, tokens]
  Buffer<float> x1_, y_;                     // [tokens, model_dim]
  Buffer<float> gate_, up_;                  // [tokens, ffn_dim]
  int64_t room_cols_ = 0;
  Buffer<float> room_;  // [threads, room_cols_]
  int64_t attention_floats_ = 0;
  Buffer<float> attention_scratch_;  // [threads, attention_floats_]

  StepOperand dy_, dgate_, dup_, dx1_operand_, dq_operand_, dk_operand_, dv_operand_;
  Buffer<float> dh_;                      // [tokens, ffn_dim]
  Buffer<float> dn_, dx1_, dx_;           // [tokens, model_dim]
  Buffer<float> dout_, dq_;               // [tokens, heads, head_dim]
  Buffer<float> dk_parts_, dv_parts_;     // [heads, tokens, head_dim]
  Buffer<float> r_;                       // [tokens]
  Buffer<float> dattn_norm_, dffn_norm_;  // [model_dim]
  std::vector<Buffer<float>> dw_;         // in the order of kLayerMatrices
};

}  // namespace wattline::kernels
