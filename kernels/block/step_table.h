// The table of a step of training as a template over a vector wrapper.
#pragma once

#include "kernels/block/step_attention.h"
#include "kernels/block/step_kernels.h"
#include "kernels/block/step_rows.h"

namespace wattline::kernels::step_cpu {

template <class S>
consteval StepKernels TableOf(int64_t (*gemm_scratch_byte)(),
                              void (*gemm)(const StridedGemm& g, Slice slice)) {
  using Rows = RowsOf<S>;
  return {
      .gemm_scratch_byte = gemm_scratch_byte,
      .gemm = gemm,
      .attention_forward = Attention<S>::Forward,
      .attention_backward = Attention<S>::Backward,
      .rms_norm_backward = Rows::RmsNormBackward,
      .rms_norm_weight = Rows::RmsNormWeight,
      .layer_norm_backward = Rows::LayerNormBackward,
      .layer_norm_weight = Rows::LayerNormWeight,
      .column_sums = Rows::ColumnSums,
      .gelu_backward = Rows::GeluBackward,
      .swiglu_backward = Rows::SwiGluBackward,
      .bf16_from_f32 = Rows::Bf16FromF32,
      .round_to_bf16 = Rows::RoundToBf16,
  };
}

}  // namespace wattline::kernels::step_cpu
