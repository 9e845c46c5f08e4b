#include "kernels/cpu/cpu_kernels_neon.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/gemm/gemm_extended.h"

namespace wattline::kernels {

constinit const CpuKernels kNeonI8mmKernels = [] {
  CpuKernels k = kNeonTable;
  k.isa = "neon_i8mm";
  k.why_not = WhyNotNeonI8mm;
  k.gemm_packed_byte = GemmPackedByteNeonI8mm;
  k.gemm_pack = GemmPackNeonI8mm;
  k.gemm_scratch_byte = GemmScratchByteNeonI8mm;
  k.gemm = GemmNeonI8mm;
  return k;
}();

}  // namespace wattline::kernels
