#include "kernels/cpu/cpu_kernels_avx512.h"

#include "kernels/cpu/cpu_kernels_tables.h"

namespace wattline::kernels {

constinit const CpuKernels kAvx512Kernels = kAvx512Table;

}  // namespace wattline::kernels
