#include "kernels/attention/attention_cpu.h"
#include "kernels/block/step_kernels.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/norm/norm_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kNeonI8mmKernels = {
    .isa = "neon_i8mm",
    .why_not = WhyNotNeonI8mm,
    .dequant_f32 = DequantF32Neon,
    .dequant_bf16 = DequantBf16Neon,
    .prepare = PrepareLinearNeon,
    .linear = LinearNeon,
    .linear_scratch_byte = LinearScratchByteNeon,
    .gemm_packed_byte = GemmPackedByteNeonI8mm,
    .gemm_pack = GemmPackNeonI8mm,
    .gemm_scratch_byte = GemmScratchByteNeonI8mm,
    .gemm = GemmNeonI8mm,
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
