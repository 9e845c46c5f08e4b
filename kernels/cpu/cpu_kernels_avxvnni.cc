#include "kernels/cpu/cpu_kernels_avx2.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/linear/linear_cpu.h"

namespace wattline::kernels {

constinit const CpuKernels kAvxVnniKernels = [] {
  CpuKernels k = kAvx2Table;
  k.isa = "avxvnni";
  k.why_not = WhyNotAvxVnni;
  k.linear = LinearAvxVnni;
  k.gemm = GemmAvxVnni;
  return k;
}();

}  // namespace wattline::kernels
