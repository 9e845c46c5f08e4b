#include "kernels/block/step_attention.h"
#include "kernels/block/step_kernels.h"
#include "kernels/block/step_rows.h"
#include "kernels/simd/simd_neon.h"

namespace wattline::kernels {

using Rows = step_cpu::RowsOf<neon::Simd>;

constinit const StepKernels kStepNeon = {
    .gemm_scratch_byte = GemmStridedScratchByteNeon,
    .gemm = GemmStridedNeon,
    .attention_forward = step_cpu::Attention<neon::Simd>::Forward,
    .attention_backward = step_cpu::Attention<neon::Simd>::Backward,
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

}  // namespace wattline::kernels
