#include "kernels/block/step_attention.h"
#include "kernels/block/step_kernels.h"
#include "kernels/block/step_rows.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {

using Rows = step_cpu::RowsOf<avx512::Simd>;

constinit const StepKernels kStepAvx512 = {
    .gemm_scratch_byte = GemmStridedScratchByteAvx512,
    .gemm = GemmStridedAvx512,
    .attention_forward = step_cpu::Attention<avx512::Simd>::Forward,
    .attention_backward = step_cpu::Attention<avx512::Simd>::Backward,
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
