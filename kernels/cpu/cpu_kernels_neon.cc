#include "kernels/cpu/cpu_kernels_neon.h"

#include "kernels/cpu/cpu_kernels_tables.h"

namespace wattline::kernels {

constinit const CpuKernels kNeonKernels = kNeonTable;

}  // namespace wattline::kernels
