// The peak loop of 256-bit registers, for AVX2 and AVX-VNNI. 12 chains: 2 ports x 5 cycles of
// latency, and 4 of the 16 registers left for operands.
#pragma once

#include "kernels/ceiling/peak_sums.h"

// `steps`, `ones` (32 bytes) and `sums` (12 x 32 bytes) are the function's. `mul_add` is what a
// chain, ymm\\r, does with the operands ymm14 and ymm15, both of them ones; `begin` stands before
// the loop. Text, since asm takes no other: see the AVX-512 file for why the loops are asm.
#define WATTLINE_PEAK_YMM(begin, mul_add)                                                        \
  asm volatile(                                                                                  \
      "vmovups (%[ones]), %%ymm14\n\t"                                                           \
      "vmovaps %%ymm14, %%ymm15\n\t" begin                                                       \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"                                                     \
      "vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n\t"                                                   \
      ".endr\n\t"                                                                                \
      ".p2align 6\n\t"                                                                           \
      "1:\n\t"                                                                                   \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t" mul_add                                             \
      ".endr\n\t"                                                                                \
      "decq %[steps]\n\t"                                                                        \
      "jnz 1b\n\t"                                                                               \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"                                                     \
      "vmovups %%ymm\\r, (\\r*32)(%[out])\n\t"                                                   \
      ".endr\n\t"                                                                                \
      "vzeroupper\n\t"                                                                           \
      : [steps] "+r"(steps)                                                                      \
      : [ones] "r"(ones), [out] "r"(sums)                                                        \
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory")
