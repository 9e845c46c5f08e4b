#include "kernels/encode/encode_cpu.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <new>

#include "kernels/backend.h"
#include "kernels/block/bert_cpu.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/block/llama_cpu.h"

namespace wattline::kernels {
namespace {

int64_t EncodeScratchByte(const CpuKernels& kernels, const BertModel& model, int64_t tokens) {
  int64_t byte = LinearScratchByte(kernels, model.pooler, 1);
  // All layers have the same matrices.
  for (const auto matrix : kBertMatrices) {
    byte = std::max(byte, LinearScratchByte(kernels, model.layers.front().*matrix, tokens));
  }
  return byte;
}

class CpuEncode final : public Work {
 public:
  CpuEncode(const CpuKernels& kernels, const EncodeCase& c, ThreadPool& pool)
      : kernels_(kernels),
        case_(c),
        tokens_(std::ssize(c.tokens)),
        dim_(c.model->shape.model_dim),
        pool_(pool),
        team_(kernels, pool.size(), tokens_, dim_, std::max(dim_, c.model->shape.ffn_dim),
              EncodeScratchByte(kernels, *c.model, tokens_)),
        layer_(kernels, c.model->shape, pool.size(), tokens_),
        out_((tokens_ + 1) * dim_),
        body_([this](Worker& worker) { Pass(worker); }) {}

  void Run() override { pool_.Run(body_); }
  std::vector<float> Result() const override { return {out_.data(), out_.data() + out_.size()}; }
  std::string Kernel() const override {
    switch (Form()) {
      case ActivationForm::kF32:
      case ActivationForm::kPanelF32:
        return "products in f32";
      case ActivationForm::kPanelBf16:
      case ActivationForm::kPanelTiles:
        return "products in bf16";
      default:
        return "products in 8 bit";
    }
  }
  // Where the products are f32, only K and V are rounded, to f16; what attention writes from them
  // is the smaller part of the stream.
  Rounding RoundsTo() const override {
    const bool f32 = Form() == ActivationForm::kF32 || Form() == ActivationForm::kPanelF32;
    return {f32 ? 0x1p-12 : 0x1p-8, 0x1p-24};
  }

 private:
  ActivationForm Form() const {
    return kernels_.form(case_.model->layers.front().ffn_up.format, tokens_, dim_);
  }

  void Pass(Worker& worker) {
    const BertModel& model = *case_.model;
    const Member m = team_.Join(worker, tokens_);
    for (int64_t r = m.rows.begin; r < m.rows.end; ++r) Embed(m, r);
    for (const BertLayer& layer : model.layers) layer_.Run(team_, m, layer);
    const auto byte = sizeof(float) * static_cast<size_t>(dim_);
    for (int64_t r = m.rows.begin; m.Speaks() && r < m.rows.end; ++r) {
      std::memcpy(out_.data() + r * dim_, m.X(r, dim_), byte);
    }
    if (!m.solo) worker.Barrier();  // the first token's row may be another member's
    Pool(worker, m.X(0, dim_));
  }

  // x = LayerNorm(token + position + segment)
  void Embed(const Member& m, int64_t r) {
    const BertModel& model = *case_.model;
    const auto at = static_cast<size_t>(r);
    float* x = m.X(r, dim_);
    float* sum = m.In(r, dim_);
    const auto row = [&](const Matrix& table, int64_t index, float* to) {
      kernels_.dequant_f32(table.format, table.Row(index), dim_, to);
    };
    row(model.token_embd, case_.tokens[at], sum);
    row(model.position_embd, r, x);
    kernels_.add(x, dim_, sum);
    row(model.segment_embd, case_.segments[at], x);
    kernels_.add(x, dim_, sum);
    kernels_.layer_norm(sum, model.embd_norm, model.embd_norm_bias, dim_,
                        static_cast<float>(model.shape.rms_eps), x);
  }

  // The last row of the result. One row is every thread's own.
  void Pool(Worker& worker, const float* first) {
    const BertModel& model = *case_.model;
    float* pooled = out_.data() + tokens_ * dim_;
    const Member one = team_.Join(worker, 1);
    std::memcpy(one.In(0, dim_), first, sizeof(float) * static_cast<size_t>(dim_));
    team_.Linear(one, {{&model.pooler, pooled}});
    const Range cols = Share(dim_, 16, worker.slice());  // whole cache lines
    for (int64_t i = cols.begin; i < cols.end; ++i) {
      pooled[i] = std::tanh(pooled[i] + model.pooler_bias[i]);
    }
  }

  const CpuKernels& kernels_;
  const EncodeCase case_;
  const int64_t tokens_;
  const int64_t dim_;
  ThreadPool& pool_;
  RowTeam team_;
  const BertCpu layer_;
  Buffer<float> out_;  // [tokens + 1, model_dim]
  const std::function<void(Worker&)> body_;
};

}  // namespace

MadeWork MakeCpuEncode(const Backend& backend, const EncodeCase& c, ThreadPool& pool) {
  std::string why_not = WhyNotEncode(c);
  if (why_not.empty()) why_not = WhyNotShape(c.model->shape);
  if (why_not.empty() && c.model->layers.empty()) why_not = "a model without layers";
  for (size_t i = 0; why_not.empty() && i < c.model->layers.size(); ++i) {
    why_not = WhyNotBert(c.model->shape, c.model->layers[i]);
  }
  if (!why_not.empty()) return {nullptr, why_not};
  try {
    return {std::make_unique<CpuEncode>(*backend.cpu, c, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the memory for the encoder's activations is not to be had"};
  }
}

}  // namespace wattline::kernels
