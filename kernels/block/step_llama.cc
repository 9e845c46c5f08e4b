#include "kernels/block/step_llama.h"

#include <algorithm>

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {
namespace {

// In the order of kLayerMatrices.
constexpr std::string_view kNames[] = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                       "ffn_gate", "ffn_up", "ffn_down"};

}  // namespace

LlamaStep::LlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool)
    : kernels_(kernels),
      step_(*kernels.step),
      case_(c),
      shape_(c.block.shape),
      layer_(*c.block.llama),
      backward_(pass == StepPass::kForwardBackward),
      type_(*StepType(c.block)),
      tokens_(c.block.tokens),
      dim_(shape_.model_dim),
      q_dim_(shape_.heads * shape_.head_dim),
      kv_dim_(shape_.kv_heads * shape_.head_dim),
      pool_(pool),
      linear_(step_, type_, pool.size()),
      body_([this](Worker& worker) { Pass(worker); }),
      attention_body_([this](Worker& worker) { AttentionOnly(worker); }) {
  const auto rows = [this](int64_t cols) { return Buffer<float>(tokens_ * cols); };
  const auto operand = [this](int64_t cols) { return StepOperand(type_, tokens_, cols); };
  // Beside values that are kept in f32.
  const auto rounded = [&](int64_t cols) { return operand(type_ == GemmType::kF32 ? 0 : cols); };
  angles_ = rows(shape_.rope_dim);
  inverse_angles_ = rows(shape_.rope_dim);
  n1_ = operand(dim_);
  n2_ = operand(dim_);
  attended_ = rounded(q_dim_);
  hidden_ = operand(shape_.ffn_dim);
  q_ = rows(q_dim_);
  k_ = rows(kv_dim_);
  v_ = rows(kv_dim_);
  out_ = rows(q_dim_);
  log_sums_ = rows(shape_.heads);
  x1_ = rows(dim_);
  gate_ = rows(shape_.ffn_dim);
  up_ = rows(shape_.ffn_dim);
  y_ = rows(dim_);
  room_cols_ = std::max({dim_, q_dim_, 2 * shape_.ffn_dim});
  room_ = Buffer<float>(pool.size() * room_cols_);
  attention_floats_ = StepAttentionScratchFloats(Attention({}));
  attention_scratch_ = Buffer<float>(pool.size() * attention_floats_);
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

std::vector<StepTensor<float>> LlamaStep::Tensors() const {
  std::vector<StepTensor<float>> tensors = {{"y", y_.span()}};
  if (!backward_) return tensors;
  tensors.push_back({"dx", dx_.span()});
  tensors.push_back({"attn_norm", dattn_norm_.span()});
  tensors.push_back({"ffn_norm", dffn_norm_.span()});
  for (size_t i = 0; i < std::size(kNames); ++i) tensors.push_back({kNames[i], dw_[i].span()});
  return tensors;
}

std::vector<StepWeightGradient> LlamaStep::WeightGradients() const {
  if (!backward_) return {};
  const std::byte* const n1 = n1_.bytes.data();
  const std::byte* const n2 = n2_.bytes.data();
  const struct {
    const std::byte* dy;
    const std::byte* x;
  } operands[] = {{Operand(dq_operand_, dq_.data()), n1},
                  {dk_operand_.bytes.data(), n1},
                  {dv_operand_.bytes.data(), n1},
                  {Operand(dx1_operand_, dx1_.data()), Attended()},
                  {dgate_.bytes.data(), n2},
                  {dup_.bytes.data(), n2},
                  {Operand(dy_, case_.dy), hidden_.bytes.data()}};
  std::vector<StepWeightGradient> gradients;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    const Matrix& w = layer_.*kLayerMatrices[i];
    gradients.push_back({kNames[i], w.rows, w.cols, operands[i].dy, operands[i].x, dw_[i].data()});
  }
  return gradients;
}

std::vector<float> LlamaStep::Result() const {
  std::vector<float> all(y_.data(), y_.data() + y_.size());
  if (backward_) all.insert(all.end(), dx_.data(), dx_.data() + dx_.size());
  return all;
}

void LlamaStep::MakeBackward() {
  const auto rows = [this](int64_t cols) { return Buffer<float>(tokens_ * cols); };
  const auto operand = [this](int64_t cols) { return StepOperand(type_, tokens_, cols); };
  // Beside values that are kept in f32.
  const auto rounded = [&](int64_t cols) { return operand(type_ == GemmType::kF32 ? 0 : cols); };
  dy_ = rounded(dim_);
  dh_ = rows(shape_.ffn_dim);
  dgate_ = operand(shape_.ffn_dim);
  dup_ = operand(shape_.ffn_dim);
  dn_ = rows(dim_);
  dx1_ = rows(dim_);
  dx1_operand_ = rounded(dim_);
  dout_ = rows(q_dim_);
  dq_ = rows(q_dim_);
  dk_parts_ = rows(q_dim_);
  dv_parts_ = rows(q_dim_);
  dq_operand_ = rounded(q_dim_);
  dk_operand_ = operand(kv_dim_);
  dv_operand_ = operand(kv_dim_);
  dx_ = rows(dim_);
  r_ = rows(1);
  dattn_norm_ = Buffer<float>(dim_);
  dffn_norm_ = Buffer<float>(dim_);
  for (const auto matrix : kLayerMatrices) {
    const Matrix& w = layer_.*matrix;
    dw_.emplace_back(w.rows * w.cols);
  }
}

void LlamaStep::Pass(Worker& worker) {
  Forward(worker);
  if (!backward_) return;
  worker.Barrier();
  FeedForwardBackward(worker);
  AttentionBackward(worker);
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
    for (int64_t t = rows.begin; t < rows.end; ++t) {
      attended_.Take(step_, t, out_.data() + t * q_dim_);
    }
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
  const int64_t ffn = shape_.ffn_dim;
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* to = hidden_.Target(t, Room(slice));
    kernels_.swiglu(gate_.data() + t * ffn, up_.data() + t * ffn, ffn, to);
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

StepAttention LlamaStep::Attention(Slice slice) const {
  return {.tokens = tokens_,
          .heads = shape_.heads,
          .kv_heads = shape_.kv_heads,
          .head_dim = shape_.head_dim,
          .causal = true,
          .q = q_.data(),
          .k = k_.data(),
          .v = v_.data(),
          .out = out_.data(),
          .log_sums = log_sums_.data(),
          .dout = dout_.data(),
          .dq = dq_.data(),
          .dk = dk_parts_.data(),
          .dv = dv_parts_.data(),
          .scratch = attention_scratch_.data() + slice.index * attention_floats_};
}

void LlamaStep::AttentionOnly(Worker& worker) {
  const StepAttention s = Attention(worker.slice());
  step_.attention_forward(s, worker.slice());
  worker.Barrier();
  if (backward_) step_.attention_backward(s, worker.slice());
}

std::unique_ptr<StepWork> MakeLlamaStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                        ThreadPool& pool) {
  return std::make_unique<LlamaStep>(kernels, c, pass, pool);
}

}  // namespace wattline::kernels
