#include "kernels/block/step_bert.h"

#include <algorithm>
#include <cstring>

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {
namespace {

// Places in dw_ and dbias_.
enum BertMatrix : uint8_t { kBertQ, kBertK, kBertV, kBertOutput, kBertUp, kBertDown };
constexpr std::string_view kBiasNames[] = {"attn_q_bias",      "attn_k_bias", "attn_v_bias",
                                           "attn_output_bias", "ffn_up_bias", "ffn_down_bias"};

}  // namespace

BertStep::BertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool)
    : BlockStep(kernels, c, pass, pool, false,
                {{"attn_q", c.block.bert->attn_q},
                 {"attn_k", c.block.bert->attn_k},
                 {"attn_v", c.block.bert->attn_v},
                 {"attn_output", c.block.bert->attn_output},
                 {"ffn_up", c.block.bert->ffn_up},
                 {"ffn_down", c.block.bert->ffn_down}}),
      layer_(*c.block.bert),
      sum1_(Rows(dim_)),
      x1_(Rows(dim_)),
      sum2_(Rows(dim_)),
      up_(Rows(ffn_)),
      hidden_(Rows(ffn_)),
      x_operand_(RoundedRows(dim_)),
      x1_operand_(RoundedRows(dim_)),
      hidden_operand_(RoundedRows(ffn_)) {
  if (backward_) MakeBackward();
}

void BertStep::MakeBackward() {
  for (Buffer<float>* b : {&dsum2_, &dx1_, &dsum1_, &dk_, &dv_}) *b = Rows(dim_);
  dup_ = Rows(ffn_);
  for (StepOperand* o : {&dsum2_operand_, &dsum1_operand_, &dk_operand_, &dv_operand_}) {
    *o = RoundedRows(dim_);
  }
  dup_operand_ = RoundedRows(ffn_);
  rows_ = Buffer<NormRow>(tokens_);
  for (Buffer<float>* b : {&dattn_norm_, &dattn_norm_bias_, &dffn_norm_, &dffn_norm_bias_}) {
    *b = Buffer<float>(dim_);
  }
  for (const auto matrix : kBertMatrices) dbias_.emplace_back((layer_.*matrix).rows);
}

std::vector<StepTensor<float>> BertStep::VectorGradients() const {
  std::vector<StepTensor<float>> tensors = {{"attn_norm", dattn_norm_.span()},
                                            {"attn_norm_bias", dattn_norm_bias_.span()},
                                            {"ffn_norm", dffn_norm_.span()},
                                            {"ffn_norm_bias", dffn_norm_bias_.span()}};
  for (size_t i = 0; i < dbias_.size(); ++i) tensors.push_back({kBiasNames[i], dbias_[i].span()});
  return tensors;
}

std::vector<BlockStep::GradientOperands> BertStep::WeightOperands() const {
  const std::byte* const x = Operand(x_operand_, case_.block.x);
  return {{Operand(dq_operand_, dq_), x},
          {Operand(dk_operand_, dk_), x},
          {Operand(dv_operand_, dv_), x},
          {Operand(dsum1_operand_, dsum1_), Attended()},
          {Operand(dup_operand_, dup_), Operand(x1_operand_, x1_)},
          {Operand(dsum2_operand_, dsum2_), Operand(hidden_operand_, hidden_)}};
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
  Round(slice, out_.data(), attended_);
  worker.Barrier();
  linear_.Forward(Attended(), tokens_, layer_.attn_output, sum1_.data(), slice);
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
  step_.column_sums(dsum2_.data(), tokens_, dim_, cols, dbias_[kBertDown].data());
  const std::byte* const dsum2 = Operand(dsum2_operand_, dsum2_);
  linear_.InputGradient(dsum2, tokens_, layer_.ffn_down, false, dup_.data(), slice);
  linear_.WeightGradient(dsum2, Operand(hidden_operand_, hidden_), tokens_, dim_, ffn_,
                         dw_[kBertDown].data(), slice);
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    float* row = dup_.data() + t * ffn_;
    step_.gelu_backward(row, up_.data() + t * ffn_, ffn_, row);
  }
  Round(slice, dup_.data(), dup_operand_);
  worker.Barrier();
  step_.column_sums(dup_.data(), tokens_, ffn_, Columns(ffn_, slice), dbias_[kBertUp].data());
  const std::byte* const dup = Operand(dup_operand_, dup_);
  linear_.InputGradient(dup, tokens_, layer_.ffn_up, false, dx1_.data(), slice);
  linear_.WeightGradient(dup, Operand(x1_operand_, x1_), tokens_, ffn_, dim_, dw_[kBertUp].data(),
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
  step_.column_sums(dsum1_.data(), tokens_, dim_, cols, dbias_[kBertOutput].data());
}

void BertStep::AttentionBackward(Worker& worker) {
  const Slice slice = worker.slice();
  const Range rows = Mine(slice);
  const std::byte* const dsum1 = Operand(dsum1_operand_, dsum1_);
  linear_.InputGradient(dsum1, tokens_, layer_.attn_output, false, dout_.data(), slice);
  linear_.WeightGradient(dsum1, Attended(), tokens_, dim_, dim_, dw_[kBertOutput].data(), slice);
  worker.Barrier();
  step_.attention_backward(Attention(slice), slice);
  worker.Barrier();
  const auto head_byte = static_cast<size_t>(shape_.head_dim) * sizeof(float);
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    for (int64_t h = 0; h < shape_.heads; ++h) {
      const int64_t from = (h * tokens_ + t) * shape_.head_dim;
      const int64_t to = t * dim_ + h * shape_.head_dim;
      std::memcpy(dk_.data() + to, dk_parts_.data() + from, head_byte);
      std::memcpy(dv_.data() + to, dv_parts_.data() + from, head_byte);
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
    BertMatrix index;
  } parts[] = {{layer_.attn_q, dq_, Operand(dq_operand_, dq_), kBertQ},
               {layer_.attn_k, dk_, Operand(dk_operand_, dk_), kBertK},
               {layer_.attn_v, dv_, Operand(dv_operand_, dv_), kBertV}};
  for (const auto& part : parts) {
    linear_.InputGradient(part.dy, tokens_, part.w, part.index != kBertQ, dx_.data(), slice);
    linear_.WeightGradient(part.dy, x, tokens_, dim_, dim_, dw_[part.index].data(), slice);
    step_.column_sums(part.values.data(), tokens_, dim_, Columns(dim_, slice),
                      dbias_[part.index].data());
  }
  worker.Barrier();
  for (int64_t t = rows.begin; t < rows.end; ++t) {
    kernels_.add(dsum1_.data() + t * dim_, dim_, dx_.data() + t * dim_);
  }
}

std::unique_ptr<StepWork> MakeBertStep(const CpuKernels& kernels, const StepCase& c, StepPass pass,
                                       ThreadPool& pool) {
  return std::make_unique<BertStep>(kernels, c, pass, pool);
}

}  // namespace wattline::kernels
