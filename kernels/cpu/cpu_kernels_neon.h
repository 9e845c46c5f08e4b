// The table of neon, from which those of the instruction sets that extend it are made.
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

constexpr CpuKernels kNeonTable = {
    .isa = "neon",
    .why_not = WhyNotNeon,
    .dequant_f32 = DequantF32Neon,
    .dequant_bf16 = DequantBf16Neon,
    .stream_f32 = StreamF32Neon,
    .stream_bf16 = StreamBf16Neon,
    .form = LinearForm,
    .prepare = PrepareLinearNeon,
    .linear = LinearNeon,
    .linear_scratch_byte = LinearScratchByteNeon,
    .quantise_q8 = QuantiseQ8Neon,
    .gemm_packed_byte = GemmPackedByteNeon,
    .gemm_pack = GemmPackNeon,
    .gemm_scratch_byte = GemmScratchByteNeon,
    .gemm = GemmNeon,
    .attention = AttentionNeon,
    .attention_merge = AttentionMergeNeon,
    .rms_norm = RmsNormNeon,
    .layer_norm = LayerNormNeon,
    .rope = RopeNeon,
    .swiglu = SwiGluNeon,
    .gelu = GeluNeon,
    .add = AddNeon,
    .f16_from_f32 = F16FromF32Neon,
    .step = &kStepNeon,
};

}  // namespace wattline::kernels
