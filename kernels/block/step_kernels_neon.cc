#include "kernels/block/step_table.h"
#include "kernels/simd/simd_neon.h"

namespace wattline::kernels {

constinit const StepKernels kStepNeon =
    step_cpu::TableOf<neon::Simd>(GemmStridedScratchByteNeon, GemmStridedNeon);

}  // namespace wattline::kernels
