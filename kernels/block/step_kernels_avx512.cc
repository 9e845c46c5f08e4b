#include "kernels/block/step_table.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {

constinit const StepKernels kStepAvx512 =
    step_cpu::TableOf<avx512::Simd>(GemmStridedScratchByteAvx512, GemmStridedAvx512);

// AMX differs in its GEMM only.
constinit const StepKernels kStepAmx =
    step_cpu::TableOf<avx512::Simd>(GemmStridedScratchByteAmx, GemmStridedAmx);

}  // namespace wattline::kernels
