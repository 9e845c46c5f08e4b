// The ceilings' loop for AVX-VNNI; all others are those of AVX2. 12 chains: 2 ports x 5 cycles of
// latency.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"

namespace wattline::kernels::avxvnni {
namespace {

// {vex}: without it the assembler takes the encoding of AVX-512.
double PeakInt8(int64_t steps) {
  alignas(64) uint8_t ones[32];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[12 * 8];
  asm volatile(
      "vmovups (%[ones]), %%ymm14\n\t"
      "vmovaps %%ymm14, %%ymm15\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm\\r\n\t"
      ".endr\n\t"
      "decq %[steps]\n\t"
      "jnz 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vmovups %%ymm\\r, (\\r*32)(%[out])\n\t"
      ".endr\n\t"
      "vzeroupper\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
  double total = 0;
  for (int32_t sum : sums) total += sum;
  return total;
}

}  // namespace

const PeakKernel kPeaks[kAvxVnniPeaks] = {
    {PeakFormat::kInt8, "vpdpbusd ymm x12", 2.0 * 32 * 12, PeakInt8},
};

}  // namespace wattline::kernels::avxvnni
