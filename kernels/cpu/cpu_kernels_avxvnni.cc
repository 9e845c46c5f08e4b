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

constinit const CpuKernels kAvxVnniKernels = {
    .isa = "avxvnni",
    .why_not = WhyNotAvxVnni,
    .dequant_f32 = DequantF32Avx2,
    .dequant_bf16 = DequantBf16Avx2,
    .prepare = PrepareLinearAvx2,
    .linear = LinearAvx2,
    .linear_scratch_byte = LinearScratchByteAvx2,
    .gemm_packed_byte = GemmPackedByteAvx2,
    .gemm_pack = GemmPackAvx2,
    .gemm_scratch_byte = GemmScratchByteAvx2,
    .gemm = GemmAvxVnni,
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
