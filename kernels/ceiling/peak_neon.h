// The peak loop of NEON registers, with and without matrix instructions. 24 chains: 4 pipes x 4
// cycles of latency on the widest cores, and half as much again.
#pragma once

#include "kernels/ceiling/peak_sums.h"

// `steps`, `ones` (16 bytes) and `sums` (24 x 16 bytes) are the function's. `mul_add` is what a
// chain, v\\r, does with the operands v30 and v31, both of them ones. Text, since asm takes no
// other: see the AVX-512 file for why the loops are asm.
#define WATTLINE_PEAK_NEON(mul_add)                                                                \
  asm volatile(                                                                                    \
      "ldr q30, [%[ones]]\n\t"                                                                     \
      "mov v31.16b, v30.16b\n\t"                                                                   \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"                   \
      "movi v\\r\\().4s, #0\n\t"                                                                   \
      ".endr\n\t"                                                                                  \
      ".p2align 6\n\t"                                                                             \
      "1:\n\t"                                                                                     \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t" mul_add           \
      ".endr\n\t"                                                                                  \
      "subs %[steps], %[steps], #1\n\t"                                                            \
      "b.ne 1b\n\t"                                                                                \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"                   \
      "str q\\r, [%[out], #(\\r*16)]\n\t"                                                          \
      ".endr\n\t"                                                                                  \
      : [steps] "+r"(steps)                                                                        \
      : [ones] "r"(ones), [out] "r"(sums)                                                          \
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",    \
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", \
        "v27", "v28", "v29", "v30", "v31", "cc", "memory")
