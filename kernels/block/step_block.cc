#include "kernels/block/step_block.h"

#include <utility>

namespace wattline::kernels {

BlockStep::BlockStep(const CpuKernels& kernels, const StepCase& c, StepPass pass, ThreadPool& pool,
                     bool causal, std::vector<Weight> weights)
    : kernels_(kernels),
      step_(*kernels.step),
      case_(c),
      shape_(c.block.shape),
      backward_(pass == StepPass::kForwardBackward),
      type_(*StepType(c.block)),
      tokens_(c.block.tokens),
      dim_(shape_.model_dim),
      ffn_(shape_.ffn_dim),
      q_dim_(shape_.heads * shape_.head_dim),
      kv_dim_(shape_.kv_heads * shape_.head_dim),
      linear_(step_, type_, pool.size()),
      q_(Rows(q_dim_)),
      k_(Rows(kv_dim_)),
      v_(Rows(kv_dim_)),
      out_(Rows(q_dim_)),
      y_(Rows(dim_)),
      attended_(RoundedRows(q_dim_)),
      causal_(causal),
      weights_(std::move(weights)),
      pool_(pool),
      body_([this](Worker& worker) { Pass(worker); }),
      attention_body_([this](Worker& worker) { AttentionOnly(worker); }),
      log_sums_(Rows(shape_.heads)) {
  attention_floats_ = StepAttentionScratchFloats(Attention({}));
  attention_scratch_ = Buffer<float>(pool.size() * attention_floats_);
  if (!backward_) return;
  dx_ = Rows(dim_);
  for (Buffer<float>* b : {&dout_, &dq_, &dk_parts_, &dv_parts_}) *b = Rows(q_dim_);
  dq_operand_ = RoundedRows(q_dim_);
  for (const Weight& weight : weights_) dw_.emplace_back(weight.w.rows * weight.w.cols);
}

void BlockStep::Pass(Worker& worker) {
  Forward(worker);
  if (!backward_) return;
  worker.Barrier();
  FeedForwardBackward(worker);
  AttentionBackward(worker);
}

void BlockStep::AttentionOnly(Worker& worker) const {
  const StepAttention s = Attention(worker.slice());
  step_.attention_forward(s, worker.slice());
  worker.Barrier();
  if (backward_) step_.attention_backward(s, worker.slice());
}

std::vector<StepTensor<float>> BlockStep::Tensors() const {
  std::vector<StepTensor<float>> tensors = {{"y", y_.span()}};
  if (!backward_) return tensors;
  tensors.push_back({"dx", dx_.span()});
  for (const StepTensor<float>& vector : VectorGradients()) tensors.push_back(vector);
  for (size_t i = 0; i < dw_.size(); ++i) tensors.push_back({weights_[i].name, dw_[i].span()});
  return tensors;
}

std::vector<StepWeightGradient> BlockStep::WeightGradients() const {
  if (!backward_) return {};
  const std::vector<GradientOperands> operands = WeightOperands();
  std::vector<StepWeightGradient> gradients;
  for (size_t i = 0; i < dw_.size(); ++i) {
    const auto& [name, w] = weights_[i];
    gradients.push_back({name, w.rows, w.cols, operands[i].dy, operands[i].x, dw_[i].data()});
  }
  return gradients;
}

std::vector<float> BlockStep::Result() const {
  std::vector<float> all(y_.data(), y_.data() + y_.size());
  if (backward_) all.insert(all.end(), dx_.data(), dx_.data() + dx_.size());
  return all;
}

void BlockStep::Round(Slice slice, const float* values, const StepOperand& out) const {
  if (type_ == GemmType::kF32) return;
  const Range rows = Mine(slice);
  for (int64_t t = rows.begin; t < rows.end; ++t) out.Take(step_, t, values + t * out.cols);
}

StepAttention BlockStep::Attention(Slice slice) const {
  return {.tokens = tokens_,
          .heads = shape_.heads,
          .kv_heads = shape_.kv_heads,
          .head_dim = shape_.head_dim,
          .causal = causal_,
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

}  // namespace wattline::kernels
