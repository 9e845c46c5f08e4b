#include "kernels/block/step_kernels.h"
#include "kernels/cpu/cpu_kernels_avx512.h"
#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/linear/linear_amx.h"

namespace wattline::kernels {

constinit const CpuKernels kAmxKernels = [] {
  CpuKernels k = kAvx512Table;
  k.isa = "amx";
  k.why_not = WhyNotAmx;
  k.form = LinearFormAmx;
  k.prepare = PrepareLinearAmx;
  k.linear = LinearAmx;
  k.linear_scratch_byte = LinearScratchByteAmx;
  k.gemm_packed_byte = GemmPackedByteAmx;
  k.gemm_pack = GemmPackAmx;
  k.gemm_scratch_byte = GemmScratchByteAmx;
  k.gemm = GemmAmx;
  k.step = &kStepAmx;
  return k;
}();

}  // namespace wattline::kernels
