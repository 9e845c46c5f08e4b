#include "kernels/block/step_table.h"
#include "kernels/simd/simd_avx2.h"

namespace wattline::kernels {

constinit const StepKernels kStepAvx2 =
    step_cpu::TableOf<avx2::Simd>(GemmStridedScratchByteAvx2, GemmStridedAvx2);

}  // namespace wattline::kernels
