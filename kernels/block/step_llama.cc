#include "kernels/block/step_llama.h"

#include <algorithm>

namespace wattline::kernels {

LlamaStep::LlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool)
    : BlockStep(kernels, c, pass, pool, true,
                {{"attn_q", c.block.llama->attn_q},
                 {"attn_k", c.block.llama->attn_k},
                 {"attn_v", c.block.llama->attn_v},
                 {"attn_output", c.block.llama->attn_output},
                 {"ffn_gate", c.block.llama->ffn_gate},
                 {"ffn_up", c.block.llama->ffn_up},
                 {"ffn_down", c.block.llama->ffn_down}}),
      layer_(*c.block.llama),
      angles_(Rows(shape_.rope_dim)),
      inverse_angles_(Rows(shape_.rope_dim)),
      n1_(OperandRows(dim_)),
      n2_(OperandRows(dim_)),
      hidden_(OperandRows(ffn_)),
      x1_(Rows(dim_)),
      gate_(Rows(ffn_)),
      up_(Rows(ffn_)),
      room_cols_(std::max({dim_, q_dim_, 2 * ffn_})),
      room_(pool.size() * room_cols_) {
  if (backward_) MakeBackward();
  for (int64_t t = 0; t < tokens_; ++t) {
    float* angles = angles_.data() + t * shape_.rope_dim;
    float* inverse = inverse_angles_.data() + t * shape_.rope_dim;
    RopeAngles(shape_.rope_dim, t, shape_.rope_base, c.block.rope_factors, angles);
    for (int64_t i = 0; i < shape_.rope_dim; i += 2) {
      inverse[i] = angles[i];
      inverse[i + 1] = -angles[i + 1];
    }
  }
}

void LlamaStep::MakeBackward() {
  dy_ = RoundedRows(dim_);
  dh_ = Rows(ffn_);
  dgate_ = OperandRows(ffn_);
  dup_ = OperandRows(ffn_);
  dn_ = Rows(dim_);
  dx1_ = Rows(dim_);
  dx1_operand_ = RoundedRows(dim_);
  dk_operand_ = OperandRows(kv_dim_);
  dv_operand_ = OperandRows(kv_dim_);
  r_ = Rows(1);
  dattn_norm_ = Buffer<float>(dim_);
  dffn_norm_ = Buffer<float>(dim_);
}

std::vector<StepTensor<float>> LlamaStep::VectorGradients() const {
  return {{"attn_norm", dattn_norm_.span()}, {"ffn_norm", dffn_norm_.span()}};
}

std::vector<BlockStep::GradientOperands> LlamaStep::WeightOperands() const {
  const std::byte* const n1 = n1_.bytes.data();
  const std::byte* const n2 = n2_.bytes.data();
  return {{Operand(dq_operand_, dq_), n1},
          {dk_operand_.bytes.data(), n1},
          {dv_operand_.bytes.data(), n1},
          {Operand(dx1_operand_, dx1_), Attended()},
          {dgate_.bytes.data(), n2},
          {dup_.bytes.data(), n2},
          {Operand(dy_, case_.dy), hidden_.bytes.data()}};
}

void LlamaStep::Norm(Slice slice, const float* x, const float* weight,
                     const StepOperand& out) const {
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* to = out.Target(t, Room(slice));
    kernels_.rms_norm(x + t * dim_, weight, dim_, static_cast<float>(shape_.rms_eps), to);
    out.Take(step_, t, to);
  }
}

void LlamaStep::Forward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  Norm(slice, case_.block.x, layer_.attn_norm, n1_);
  worker.Barrier();
  linear_.Forward(n1_.bytes.data(), tokens_, layer_.attn_q, q_.data(), slice);
  linear_.Forward(n1_.bytes.data(), tokens_, layer_.attn_k, k_.data(), slice);
  linear_.Forward(n1_.bytes.data(), tokens_, layer_.attn_v, v_.data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    Rope(q_.data() + t * q_dim_, shape_.heads, angles_, t);
    Rope(k_.data() + t * kv_dim_, shape_.kv_heads, angles_, t);
    if (type_ == GemmType::kF32) continue;
    step_.round_to_bf16(q_dim_, q_.data() + t * q_dim_);
    step_.round_to_bf16(kv_dim_, k_.data() + t * kv_dim_);
    step_.round_to_bf16(kv_dim_, v_.data() + t * kv_dim_);
  }
  worker.Barrier();
  step_.attention_forward(Attention(slice), slice);
  worker.Barrier();
  if (type_ == GemmType::kBF16) {
    Round(slice, out_.data(), attended_);
    worker.Barrier();
  }
  linear_.Forward(Attended(), tokens_, layer_.attn_output, x1_.data(), slice);
  worker.Barrier();
  kernels_.add(case_.block.x + rows.begin * dim_, (rows.end - rows.begin) * dim_,
               x1_.data() + rows.begin * dim_);
  Norm(slice, x1_.data(), layer_.ffn_norm, n2_);
  worker.Barrier();
  linear_.Forward(n2_.bytes.data(), tokens_, layer_.ffn_gate, gate_.data(), slice);
  linear_.Forward(n2_.bytes.data(), tokens_, layer_.ffn_up, up_.data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* to = hidden_.Target(t, Room(slice));
    kernels_.swiglu(gate_.data() + t * ffn_, up_.data() + t * ffn_, ffn_, to);
    hidden_.Take(step_, t, to);
  }
  worker.Barrier();
  linear_.Forward(hidden_.bytes.data(), tokens_, layer_.ffn_down, y_.data(), slice);
  worker.Barrier();
  kernels_.add(x1_.data() + rows.begin * dim_, (rows.end - rows.begin) * dim_,
               y_.data() + rows.begin * dim_);
}

void LlamaStep::Rope(float* heads, int64_t count, const Buffer<float>& angles,
                     int64_t token) const {
  for (int64_t h = 0; h < count; ++h) {
    kernels_.rope(heads + h * shape_.head_dim, shape_.rope_dim,
                  angles.data() + token * shape_.rope_dim, shape_.rope_layout);
  }
}

std::unique_ptr<StepWork> MakeLlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                        ThreadPool& pool) {
  return std::make_unique<LlamaStep>(kernels, c, pass, pool);
}

}  // namespace wattline::kernels
