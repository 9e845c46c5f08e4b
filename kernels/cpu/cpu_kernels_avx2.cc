#include "kernels/cpu/cpu_kernels_avx2.h"

#include "kernels/cpu/cpu_kernels_tables.h"

namespace wattline::kernels {

constinit const CpuKernels kAvx2Kernels = kAvx2Table;

}  // namespace wattline::kernels
