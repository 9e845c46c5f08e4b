#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/gemm/gemm_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kAvx512Kernels = {
    .isa = "avx512",
    .why_not = WhyNotAvx512,
    .dequant_f32 = nullptr,
    .dequant_bf16 = nullptr,
    .prepare = nullptr,
    .linear = nullptr,
    .linear_scratch_byte = nullptr,
    .gemm_packed_byte = GemmPackedByteAvx512,
    .gemm_pack = GemmPackAvx512,
    .gemm_scratch_byte = GemmScratchByteAvx512,
    .gemm = GemmAvx512,
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
