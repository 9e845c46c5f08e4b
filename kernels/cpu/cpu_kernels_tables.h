// The table of each instruction set, defined in cpu_kernels_<isa>.cc where that is compiled.
#pragma once

#include "kernels/cpu/cpu_kernels.h"

namespace wattline::kernels {

extern const CpuKernels kAvx2Kernels;
extern const CpuKernels kAvxVnniKernels;
extern const CpuKernels kAvx512Kernels;
extern const CpuKernels kAmxKernels;
extern const CpuKernels kNeonKernels;
extern const CpuKernels kNeonI8mmKernels;

}  // namespace wattline::kernels
