// The table of avx2, from which those of the instruction sets that extend it are made.
#pragma once

#include "kernels/attention/attention_cpu.h"
#include "kernels/block/step_kernels.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/norm/norm_cpu.h"

namespace wattline::kernels {

constexpr CpuKernels kAvx2Table = {
    .isa = "avx2",
    .why_not = WhyNotAvx2,
    .dequant_f32 = DequantF32Avx2,
    .dequant_bf16 = DequantBf16Avx2,
    .stream_f32 = StreamF32Avx2,
    .stream_bf16 = StreamBf16Avx2,
    .form = LinearForm,
    .prepare = PrepareLinearAvx2,
    .linear = LinearAvx2,
    .linear_scratch_byte = LinearScratchByteAvx2,
    .quantise_q8 = QuantiseQ8Avx2,
    .gemm_packed_byte = GemmPackedByteAvx2,
    .gemm_pack = GemmPackAvx2,
    .gemm_scratch_byte = GemmScratchByteAvx2,
    .gemm = GemmAvx2,
    .attention = AttentionAvx2,
    .attention_merge = AttentionMergeAvx2,
    .rms_norm = RmsNormAvx2,
    .layer_norm = LayerNormAvx2,
    .rope = RopeAvx2,
    .swiglu = SwiGluAvx2,
    .gelu = GeluAvx2,
    .add = AddAvx2,
    .f16_from_f32 = F16FromF32Avx2,
    .step = &kStepAvx2,
};

}  // namespace wattline::kernels
