#include "kernels/block/step_cpu.h"

#include <new>

#include "kernels/backend.h"
#include "kernels/block/bert_cpu.h"
#include "kernels/block/llama_cpu.h"
#include "kernels/block/step_attention.h"

namespace wattline::kernels {

int64_t StepAttentionScratchFloats(const StepAttention& s) {
  const int64_t turned = step_cpu::RoundUp(s.tokens, step_cpu::kTile) * s.head_dim;
  return 2 * turned + 2 * step_cpu::kBlock * step_cpu::ScoreStride(s.tokens);
}

StepLinear::StepLinear(const StepKernels& step, GemmType type, int threads)
    : step_(step),
      type_(type),
      scratch_byte_((step.gemm_scratch_byte() + 4095) / 4096 * 4096),
      scratch_(threads * scratch_byte_) {}

void StepLinear::Run(StridedGemm g, Slice slice) const {
  g.type = type_;
  g.scratch = scratch_.data() + slice.index * scratch_byte_;
  step_.gemm(g, slice);
}

void StepLinear::Forward(const void* x, int64_t tokens, const Matrix& w, float* y,
                         Slice slice) const {
  Run({.shape = {tokens, w.rows, w.cols}, .a = x, .b = w.data, .c = y}, slice);
}

void StepLinear::InputGradient(const void* dy, int64_t tokens, const Matrix& w, bool add, float* dx,
                               Slice slice) const {
  Run({.shape = {tokens, w.cols, w.rows},
       .a = dy,
       .b = w.data,
       .b_by_k = true,
       .c = dx,
       .add = add},
      slice);
}

void StepLinear::WeightGradient(const void* dy, const void* x, int64_t tokens, int64_t rows,
                                int64_t cols, float* dw, Slice slice) const {
  Run({.shape = {rows, cols, tokens}, .a = dy, .b = x, .a_by_k = true, .b_by_k = true, .c = dw},
      slice);
}

MadeStep MakeCpuStep(const Backend& backend, const StepCase& c, StepPass pass, ThreadPool& pool) {
  if (backend.cpu->step == nullptr) {
    return {nullptr, std::string(backend.cpu->isa) + " has no kernels of a training step"};
  }
  if (!StepType(c.block)) {
    return {nullptr, "training steps need all matrices in f32 or all in bf16"};
  }
  std::string why_not = WhyNotShape(c.block.shape);
  const bool llama = c.block.llama != nullptr;
  if (why_not.empty()) {
    why_not = llama ? WhyNotLayer(c.block.shape, *c.block.llama)
                    : WhyNotBert(c.block.shape, *c.block.bert);
  }
  if (!why_not.empty()) return {nullptr, why_not};
  try {
    return {(llama ? MakeLlamaStep : MakeBertStep)(*backend.cpu, c, pass, pool), {}};
  } catch (const std::bad_alloc&) {
    return {nullptr, "the memory for the step's activations and gradients is not to be had"};
  }
}

}  // namespace wattline::kernels
