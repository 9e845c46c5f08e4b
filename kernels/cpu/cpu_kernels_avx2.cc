#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/gemm/gemm_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kAvx2Kernels = {
    .isa = "avx2",
    .why_not = WhyNotAvx2,
    .dequant_f32 = nullptr,
    .dequant_bf16 = nullptr,
    .prepare = nullptr,
    .linear = nullptr,
    .linear_scratch_byte = nullptr,
    .gemm_packed_byte = GemmPackedByteAvx2,
    .gemm_pack = GemmPackAvx2,
    .gemm_scratch_byte = GemmScratchByteAvx2,
    .gemm = GemmAvx2,
    .attention = nullptr,
    .attention_merge = nullptr,
    .rms_norm = nullptr,
    .layer_norm = nullptr,
    .rope = nullptr,
    .swiglu = nullptr,
    .gelu = nullptr,
    .add = nullptr,
    .f16_from_f32 = nullptr,
};

}  // namespace wattline::kernels
