#include "kernels/attention/attention_cpu.h"
#include "kernels/block/step_kernels.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/norm/norm_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kAvx512Kernels = {
    .isa = "avx512",
    .why_not = WhyNotAvx512,
    .dequant_f32 = DequantF32Avx512,
    .dequant_bf16 = DequantBf16Avx512,
    .prepare = PrepareLinearAvx512,
    .linear = LinearAvx512,
    .linear_scratch_byte = LinearScratchByteAvx512,
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
