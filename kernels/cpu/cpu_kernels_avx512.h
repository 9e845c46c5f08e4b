// The table of avx512, from which those of the instruction sets that extend it are made.
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

constexpr CpuKernels kAvx512Table = {
    .isa = "avx512",
    .why_not = WhyNotAvx512,
    .dequant_f32 = DequantF32Avx512,
    .dequant_bf16 = DequantBf16Avx512,
    .stream_f32 = StreamF32Avx512,
    .stream_bf16 = StreamBf16Avx512,
    .form = LinearFormAvx512,
    .prepare = PrepareLinearAvx512,
    .linear = LinearAvx512,
    .linear_scratch_byte = LinearScratchByteAvx512,
    .quantise_q8 = QuantiseQ8Avx512,
    .gemm_packed_byte = GemmPackedByteAvx512,
    .gemm_pack = GemmPackAvx512,
    .gemm_scratch_byte = GemmScratchByteAvx512,
    .gemm = GemmAvx512,
    .attention = AttentionAvx512,
    .attention_merge = AttentionMergeAvx512,
    .rms_norm = RmsNormAvx512,
    .layer_norm = LayerNormAvx512,
    .rope = RopeAvx512,
    .swiglu = SwiGluAvx512,
    .gelu = GeluAvx512,
    .add = AddAvx512,
    .f16_from_f32 = F16FromF32Avx512,
    .step = &kStepAvx512,
};

}  // namespace wattline::kernels
