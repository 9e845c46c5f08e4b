#include "kernels/block/step_table.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {

constinit const StepKernels kStepAvx512 =
    step_cpu::TableOf<avx512::Simd>(GemmStridedScratchByteAvx512, GemmStridedAvx512);

}  // namespace wattline::kernels
