// The table of each instruction set, defined in cpu_kernels_<isa>.cc where that is compiled.
#pragma once

#include "kernels/cpu/cpu_kernels.h"

namespace wattline::kernels {

extern const CpuKernels kAvx2Kernels;
extern const CpuKernels kAvx512Kernels;
extern const CpuKernels kNeonKernels;

}  // namespace wattline::kernels
