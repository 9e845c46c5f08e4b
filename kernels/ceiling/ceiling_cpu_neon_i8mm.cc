// The ceilings' loops for NEON's matrix instructions; all others are those of NEON. 24 chains, as
// there.
#include "kernels/ceiling/ceiling_lists.h"

namespace wattline::kernels::neon_i8mm {
namespace {

template <class Number>
double Total(const Number (&sums)[24 * 4]) {
  double total = 0;
  for (Number sum : sums) total += sum;
  return total;
}

double PeakBF16(int64_t steps) {
  alignas(64) uint16_t ones[8];
  for (uint16_t& one : ones) one = 0x3f80;
  alignas(64) float sums[24 * 4];
  asm volatile(
      "ldr q30, [%[ones]]\n\t"
      "mov v31.16b, v30.16b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "movi v\\r\\().4s, #0\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "bfmmla v\\r\\().4s, v30.8h, v31.8h\n\t"
      ".endr\n\t"
      "subs %[steps], %[steps], #1\n\t"
      "b.ne 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "str q\\r, [%[out], #(\\r*16)]\n\t"
      ".endr\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  alignas(64) int8_t ones[16];
  for (int8_t& one : ones) one = 1;
  alignas(64) int32_t sums[24 * 4];
  asm volatile(
      "ldr q30, [%[ones]]\n\t"
      "mov v31.16b, v30.16b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "movi v\\r\\().4s, #0\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "smmla v\\r\\().4s, v30.16b, v31.16b\n\t"
      ".endr\n\t"
      "subs %[steps], %[steps], #1\n\t"
      "b.ne 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "str q\\r, [%[out], #(\\r*16)]\n\t"
      ".endr\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  return Total(sums);
}

}  // namespace

const PeakKernel kPeaks[kNeonI8mmPeaks] = {
    {PeakFormat::kBF16, "bfmmla v.4s x24", 2.0 * 16 * 24, PeakBF16},
    {PeakFormat::kInt8, "smmla v.4s x24", 2.0 * 32 * 24, PeakInt8},
};

}  // namespace wattline::kernels::neon_i8mm
