#include "kernels/attention/attention_cpu.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/linear/linear_amx.h"
#include "kernels/norm/norm_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kAmxKernels = {
    .isa = "amx",
    .why_not = WhyNotAmx,
    .dequant_f32 = DequantF32Avx512,
    .dequant_bf16 = DequantBf16Avx512,
    .prepare = PrepareLinearAmx,
    .linear = LinearAmx,
    .linear_scratch_byte = LinearScratchByteAmx,
    .gemm_packed_byte = GemmPackedByteAmx,
    .gemm_pack = GemmPackAmx,
    .gemm_scratch_byte = GemmScratchByteAmx,
    .gemm = GemmAmx,
    .attention = AttentionAvx512,
    .attention_merge = AttentionMergeAvx512,
    .rms_norm = RmsNormAvx512,
    .layer_norm = LayerNormAvx512,
    .rope = RopeAvx512,
    .swiglu = SwiGluAvx512,
    .gelu = GeluAvx512,
    .add = AddAvx512,
    .f16_from_f32 = F16FromF32Avx512,
    // A step without tiles would measure AVX-512: --isa=avx512 does.
    .step = nullptr,
};

}  // namespace wattline::kernels
