#include <cstring>

#include "kernels/block/step_llama.h"

namespace wattline::kernels {
namespace {

// Places in dw_.
enum LlamaMatrix : uint8_t {
  kLlamaQ,
  kLlamaK,
  kLlamaV,
  kLlamaOutput,
  kLlamaGate,
  kLlamaUp,
  kLlamaDown
};

}  // namespace

void LlamaStep::FeedForwardBackward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  if (type_ == GemmType::kBF16) {
    Round(slice, case_.dy, dy_);
    worker.Barrier();
  }
  const void* dy = Operand(dy_, case_.dy);
  linear_.InputGradient(dy, tokens_, layer_.ffn_down, false, dh_.data(), slice);
  linear_.WeightGradient(dy, hidden_.bytes.data(), tokens_, dim_, ffn_, dw_[kLlamaDown].data(),
                         slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* dgate = dgate_.Target(t, Room(slice));
    float* dup = dup_.Target(t, Room(slice) + ffn_);
    step_.swiglu_backward(dh_.data() + t * ffn_, gate_.data() + t * ffn_, up_.data() + t * ffn_,
                          ffn_, dgate, dup);
    dgate_.Take(step_, t, dgate);
    dup_.Take(step_, t, dup);
  }
  worker.Barrier();
  const void* n2 = n2_.bytes.data();
  linear_.InputGradient(dgate_.bytes.data(), tokens_, layer_.ffn_gate, false, dn_.data(), slice);
  linear_.InputGradient(dup_.bytes.data(), tokens_, layer_.ffn_up, true, dn_.data(), slice);
  linear_.WeightGradient(dgate_.bytes.data(), n2, tokens_, ffn_, dim_, dw_[kLlamaGate].data(),
                         slice);
  linear_.WeightGradient(dup_.bytes.data(), n2, tokens_, ffn_, dim_, dw_[kLlamaUp].data(), slice);
  worker.Barrier();
  NormBackward(slice, x1_.data(), layer_.ffn_norm, case_.dy, dx1_.data());
  Round(slice, dx1_.data(), dx1_operand_);
  worker.Barrier();
  step_.rms_norm_weight(x1_.data(), dn_.data(), r_.data(), tokens_, dim_, Columns(dim_, slice),
                        dffn_norm_.data());
}

void LlamaStep::AttentionBackward(Worker& worker) {
  const Slice slice = worker.slice();
  const void* dx1 = Operand(dx1_operand_, dx1_);
  linear_.InputGradient(dx1, tokens_, layer_.attn_output, false, dout_.data(), slice);
  linear_.WeightGradient(dx1, Attended(), tokens_, dim_, q_dim_, dw_[kLlamaOutput].data(), slice);
  worker.Barrier();
  step_.attention_backward(Attention(slice), slice);
  worker.Barrier();
  HeadGradients(slice);
  worker.Barrier();
  const void* dq = Operand(dq_operand_, dq_);
  const void* dk = dk_operand_.bytes.data();
  const void* dv = dv_operand_.bytes.data();
  const void* n1 = n1_.bytes.data();
  linear_.InputGradient(dq, tokens_, layer_.attn_q, false, dn_.data(), slice);
  linear_.InputGradient(dk, tokens_, layer_.attn_k, true, dn_.data(), slice);
  linear_.InputGradient(dv, tokens_, layer_.attn_v, true, dn_.data(), slice);
  linear_.WeightGradient(dq, n1, tokens_, q_dim_, dim_, dw_[kLlamaQ].data(), slice);
  linear_.WeightGradient(dk, n1, tokens_, kv_dim_, dim_, dw_[kLlamaK].data(), slice);
  linear_.WeightGradient(dv, n1, tokens_, kv_dim_, dim_, dw_[kLlamaV].data(), slice);
  worker.Barrier();
  NormBackward(slice, case_.block.x, layer_.attn_norm, dx1_.data(), dx_.data());
  worker.Barrier();
  step_.rms_norm_weight(case_.block.x, dn_.data(), r_.data(), tokens_, dim_, Columns(dim_, slice),
                        dattn_norm_.data());
}

void LlamaStep::NormBackward(Slice slice, const float* x, const float* weight, const float* beside,
                             float* dx) const {
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    std::memcpy(dx + t * dim_, beside + t * dim_, static_cast<size_t>(dim_) * sizeof(float));
    r_[t] = step_.rms_norm_backward(x + t * dim_, dn_.data() + t * dim_, weight, dim_,
                                    static_cast<float>(shape_.rms_eps), dx + t * dim_);
  }
}

void LlamaStep::HeadGradients(Slice slice) const {
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* dq = dq_.data() + t * q_dim_;
    Rope(dq, shape_.heads, inverse_angles_, t);
    dq_operand_.Take(step_, t, dq);
    float* dk = dk_operand_.Target(t, Room(slice));
    SumGroups(dk_parts_, t, dk);
    Rope(dk, shape_.kv_heads, inverse_angles_, t);
    dk_operand_.Take(step_, t, dk);
    float* dv = dv_operand_.Target(t, Room(slice));
    SumGroups(dv_parts_, t, dv);
    dv_operand_.Take(step_, t, dv);
  }
}

void LlamaStep::SumGroups(const Buffer<float>& parts, int64_t token, float* out) const {
  const int64_t group = shape_.heads / shape_.kv_heads;
  for (int64_t head = 0; head < shape_.heads; ++head) {
    const float* part = parts.data() + (head * tokens_ + token) * shape_.head_dim;
    float* to = out + head / group * shape_.head_dim;
    if (head % group == 0) {
      std::memcpy(to, part, static_cast<size_t>(shape_.head_dim) * sizeof(float));
    } else {
      kernels_.add(part, shape_.head_dim, to);
    }
  }
}

}  // namespace wattline::kernels
