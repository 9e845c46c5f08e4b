#include "kernels/block/step_bert.h"

#include <algorithm>
#include <cstring>

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {
namespace {

// In the order of kBertMatrices.
enum Index : uint8_t { kQ, kK, kV, kOutput, kUp, kDown };
constexpr std::string_view kNames[] = {"attn_q",      "attn_k", "attn_v",
                                       "attn_output", "ffn_up", "ffn_down"};
constexpr std::string_view kBiasNames[] = {"attn_q_bias",      "attn_k_bias", "attn_v_bias",
                                           "attn_output_bias", "ffn_up_bias", "ffn_down_bias"};

}  // namespace

BertStep::BertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool)
    : kernels_(kernels),
      step_(*kernels.step),
      case_(c),
      shape_(c.block.shape),
      layer_(*c.block.bert),
      backward_(pass == StepPass::kForwardBackward),
      type_(*StepType(c.block)),
      tokens_(c.block.tokens),
      dim_(shape_.model_dim),
      ffn_(shape_.ffn_dim),
      pool_(pool),
      linear_(step_, type_, pool.size()),
      body_([this](Worker& worker) {
        Forward(worker);
        if (!backward_) return;
        FeedForwardBackward(worker);
        AttentionBackward(worker);
      }),
      attention_body_([this](Worker& worker) { AttentionOnly(worker); }) {
  for (Buffer<float>* b : {&q_, &k_, &v_, &out_, &sum1_, &x1_, &sum2_, &y_}) {
    *b = Buffer<float>(tokens_ * dim_);
  }
  up_ = Buffer<float>(tokens_ * ffn_);
  hidden_ = Buffer<float>(tokens_ * ffn_);
  log_sums_ = Buffer<float>(tokens_ * shape_.heads);
  attention_floats_ = StepAttentionScratchFloats(Attention({}));
  attention_scratch_ = Buffer<float>(pool.size() * attention_floats_);
  if (type_ == GemmType::kBF16) {
    for (StepOperand* o : {&x_operand_, &out_operand_, &x1_operand_}) {
      *o = StepOperand(type_, tokens_, dim_);
    }
    hidden_operand_ = StepOperand(type_, tokens_, ffn_);
  }
  if (backward_) MakeBackward();
}

void BertStep::MakeBackward() {
  for (Buffer<float>* b :
       {&dsum2_, &dx1_, &dsum1_, &dx_, &dout_, &dq_, &dk_, &dv_, &dk_heads_, &dv_heads_}) {
    *b = Buffer<float>(tokens_ * dim_);
  }
  dup_ = Buffer<float>(tokens_ * ffn_);
  if (type_ == GemmType::kBF16) {
    for (StepOperand* o :
         {&dsum2_operand_, &dsum1_operand_, &dq_operand_, &dk_operand_, &dv_operand_}) {
      *o = StepOperand(type_, tokens_, dim_);
    }
    dup_operand_ = StepOperand(type_, tokens_, ffn_);
  }
  rows_ = Buffer<NormRow>(tokens_);
  for (Buffer<float>* b : {&dattn_norm_, &dattn_norm_bias_, &dffn_norm_, &dffn_norm_bias_}) {
    *b = Buffer<float>(dim_);
  }
  for (const auto matrix : kBertMatrices) {
    const Matrix& w = layer_.*matrix;
    dw_.emplace_back(w.rows * w.cols);
    dbias_.emplace_back(w.rows);
  }
}

std::vector<StepTensor<float>> BertStep::Tensors() const {
  std::vector<StepTensor<float>> tensors = {{"y", y_.span()}};
  if (!backward_) return tensors;
  tensors.push_back({"dx", dx_.span()});
  tensors.push_back({"attn_norm", dattn_norm_.span()});
  tensors.push_back({"attn_norm_bias", dattn_norm_bias_.span()});
  tensors.push_back({"ffn_norm", dffn_norm_.span()});
  tensors.push_back({"ffn_norm_bias", dffn_norm_bias_.span()});
  for (size_t i = 0; i < dbias_.size(); ++i) tensors.push_back({kBiasNames[i], dbias_[i].span()});
  for (size_t i = 0; i < dw_.size(); ++i) tensors.push_back({kNames[i], dw_[i].span()});
  return tensors;
}

std::vector<StepWeightGradient> BertStep::WeightGradients() const {
  if (!backward_) return {};
  const std::byte* const x = Operand(x_operand_, case_.block.x);
  const struct {
    const std::byte* dy;
    const std::byte* x;
  } operands[] = {{Operand(dq_operand_, dq_), x},
                  {Operand(dk_operand_, dk_), x},
                  {Operand(dv_operand_, dv_), x},
                  {Operand(dsum1_operand_, dsum1_), Operand(out_operand_, out_)},
                  {Operand(dup_operand_, dup_), Operand(x1_operand_, x1_)},
                  {Operand(dsum2_operand_, dsum2_), Operand(hidden_operand_, hidden_)}};
  std::vector<StepWeightGradient> gradients;
  for (size_t i = 0; i < dw_.size(); ++i) {
    const Matrix& w = layer_.*kBertMatrices[i];
    gradients.push_back({kNames[i], w.rows, w.cols, operands[i].dy, operands[i].x, dw_[i].data()});
  }
  return gradients;
}

std::vector<float> BertStep::Result() const {
  std::vector<float> all(y_.data(), y_.data() + y_.size());
  if (backward_) all.insert(all.end(), dx_.data(), dx_.data() + dx_.size());
  return all;
}

void BertStep::Round(Slice slice, const float* values, const StepOperand& out) const {
  if (type_ == GemmType::kF32) return;
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) out.Take(step_, t, values + t * out.cols);
}

void BertStep::AddAndNorm(Slice slice, const float* x, const float* bias, const float* weight,
                          const float* norm_bias, float* sum, float* out) const {
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    kernels_.add(x + t * dim_, dim_, sum + t * dim_);
    kernels_.add(bias, dim_, sum + t * dim_);
    kernels_.layer_norm(sum + t * dim_, weight, norm_bias, dim_, static_cast<float>(shape_.rms_eps),
                        out + t * dim_);
  }
}

void BertStep::Forward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  Round(slice, case_.block.x, x_operand_);
  worker.Barrier();
  const std::byte* const x = Operand(x_operand_, case_.block.x);
  linear_.Forward(x, tokens_, layer_.attn_q, q_.data(), slice);
  linear_.Forward(x, tokens_, layer_.attn_k, k_.data(), slice);
  linear_.Forward(x, tokens_, layer_.attn_v, v_.data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    const struct {
      float* row;
      const float* bias;
    } heads[] = {{q_.data() + t * dim_, layer_.attn_q_bias},
                 {k_.data() + t * dim_, layer_.attn_k_bias},
                 {v_.data() + t * dim_, layer_.attn_v_bias}};
    for (const auto& [row, bias] : heads) {
      kernels_.add(bias, dim_, row);
      if (type_ == GemmType::kBF16) step_.round_to_bf16(dim_, row);
    }
  }
  worker.Barrier();
  step_.attention_forward(Attention(slice), slice);
  worker.Barrier();
  Round(slice, out_.data(), out_operand_);
  worker.Barrier();
  linear_.Forward(Operand(out_operand_, out_), tokens_, layer_.attn_output, sum1_.data(), slice);
  worker.Barrier();
  AddAndNorm(slice, case_.block.x, layer_.attn_output_bias, layer_.attn_norm, layer_.attn_norm_bias,
             sum1_.data(), x1_.data());
  Round(slice, x1_.data(), x1_operand_);
  worker.Barrier();
  linear_.Forward(Operand(x1_operand_, x1_), tokens_, layer_.ffn_up, up_.data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    kernels_.add(layer_.ffn_up_bias, ffn_, up_.data() + t * ffn_);
    kernels_.gelu(up_.data() + t * ffn_, ffn_, hidden_.data() + t * ffn_);
  }
  Round(slice, hidden_.data(), hidden_operand_);
  worker.Barrier();
  linear_.Forward(Operand(hidden_operand_, hidden_), tokens_, layer_.ffn_down, sum2_.data(), slice);
  worker.Barrier();
  AddAndNorm(slice, x1_.data(), layer_.ffn_down_bias, layer_.ffn_norm, layer_.ffn_norm_bias,
             sum2_.data(), y_.data());
}

void BertStep::NormBackward(Slice slice, const float* sum, const float* weight, const float* dout,
                            float* dsum) const {
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    std::fill_n(dsum + t * dim_, dim_, 0.0f);
    rows_[t] = step_.layer_norm_backward(sum + t * dim_, dout + t * dim_, weight, dim_,
                                         static_cast<float>(shape_.rms_eps), dsum + t * dim_);
  }
}

void BertStep::FeedForwardBackward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  const Range cols = Columns(dim_, slice);
  NormBackward(slice, sum2_.data(), layer_.ffn_norm, case_.dy, dsum2_.data());
  Round(slice, dsum2_.data(), dsum2_operand_);
  worker.Barrier();
  step_.layer_norm_weight(sum2_.data(), case_.dy, rows_.data(), tokens_, dim_, cols,
                          dffn_norm_.data(), dffn_norm_bias_.data());
  step_.column_sums(dsum2_.data(), tokens_, dim_, cols, dbias_[kDown].data());
  const std::byte* const dsum2 = Operand(dsum2_operand_, dsum2_);
  linear_.InputGradient(dsum2, tokens_, layer_.ffn_down, false, dup_.data(), slice);
  linear_.WeightGradient(dsum2, Operand(hidden_operand_, hidden_), tokens_, dim_, ffn_,
                         dw_[kDown].data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* row = dup_.data() + t * ffn_;
    step_.gelu_backward(row, up_.data() + t * ffn_, ffn_, row);
  }
  Round(slice, dup_.data(), dup_operand_);
  worker.Barrier();
  step_.column_sums(dup_.data(), tokens_, ffn_, Columns(ffn_, slice), dbias_[kUp].data());
  const std::byte* const dup = Operand(dup_operand_, dup_);
  linear_.InputGradient(dup, tokens_, layer_.ffn_up, false, dx1_.data(), slice);
  linear_.WeightGradient(dup, Operand(x1_operand_, x1_), tokens_, ffn_, dim_, dw_[kUp].data(),
                         slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    kernels_.add(dsum2_.data() + t * dim_, dim_, dx1_.data() + t * dim_);
  }
  NormBackward(slice, sum1_.data(), layer_.attn_norm, dx1_.data(), dsum1_.data());
  Round(slice, dsum1_.data(), dsum1_operand_);
  worker.Barrier();
  step_.layer_norm_weight(sum1_.data(), dx1_.data(), rows_.data(), tokens_, dim_, cols,
                          dattn_norm_.data(), dattn_norm_bias_.data());
  step_.column_sums(dsum1_.data(), tokens_, dim_, cols, dbias_[kOutput].data());
}

void BertStep::AttentionBackward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  const std::byte* const dsum1 = Operand(dsum1_operand_, dsum1_);
  linear_.InputGradient(dsum1, tokens_, layer_.attn_output, false, dout_.data(), slice);
  linear_.WeightGradient(dsum1, Operand(out_operand_, out_), tokens_, dim_, dim_,
                         dw_[kOutput].data(), slice);
  worker.Barrier();
  step_.attention_backward(Attention(slice), slice);
  worker.Barrier();
  const auto head_byte = static_cast<size_t>(shape_.head_dim) * sizeof(float);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    for (int64_t h = 0; h < shape_.heads; ++h) {
      const int64_t from = (h * tokens_ + t) * shape_.head_dim;
      const int64_t to = t * dim_ + h * shape_.head_dim;
      std::memcpy(dk_.data() + to, dk_heads_.data() + from, head_byte);
      std::memcpy(dv_.data() + to, dv_heads_.data() + from, head_byte);
    }
  }
  Round(slice, dq_.data(), dq_operand_);
  Round(slice, dk_.data(), dk_operand_);
  Round(slice, dv_.data(), dv_operand_);
  worker.Barrier();
  const std::byte* const x = Operand(x_operand_, case_.block.x);
  const struct {
    const Matrix& w;
    const Buffer<float>& values;
    const std::byte* dy;
    Index index;
  } parts[] = {{layer_.attn_q, dq_, Operand(dq_operand_, dq_), kQ},
               {layer_.attn_k, dk_, Operand(dk_operand_, dk_), kK},
               {layer_.attn_v, dv_, Operand(dv_operand_, dv_), kV}};
  for (const auto& part : parts) {
    linear_.InputGradient(part.dy, tokens_, part.w, part.index != kQ, dx_.data(), slice);
    linear_.WeightGradient(part.dy, x, tokens_, dim_, dim_, dw_[part.index].data(), slice);
    step_.column_sums(part.values.data(), tokens_, dim_, Columns(dim_, slice),
                      dbias_[part.index].data());
  }
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    kernels_.add(dsum1_.data() + t * dim_, dim_, dx_.data() + t * dim_);
  }
}

StepAttention BertStep::Attention(Slice slice) const {
  return {.tokens = tokens_,
          .heads = shape_.heads,
          .kv_heads = shape_.kv_heads,
          .head_dim = shape_.head_dim,
          .causal = false,
          .q = q_.data(),
          .k = k_.data(),
          .v = v_.data(),
          .out = out_.data(),
          .log_sums = log_sums_.data(),
          .dout = dout_.data(),
          .dq = dq_.data(),
          .dk = dk_heads_.data(),
          .dv = dv_heads_.data(),
          .scratch = attention_scratch_.data() + slice.index * attention_floats_};
}

void BertStep::AttentionOnly(Worker& worker) {
  const StepAttention s = Attention(worker.slice());
  step_.attention_forward(s, worker.slice());
  worker.Barrier();
  if (backward_) step_.attention_backward(s, worker.slice());
}

std::unique_ptr<StepWork> MakeBertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                       ThreadPool& pool) {
  return std::make_unique<BertStep>(kernels, c, pass, pool);
}

}  // namespace wattline::kernels
