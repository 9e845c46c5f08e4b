// The list of instruction sets on x86-64, and the clock's chain there.
#include "kernels/ceiling/ceiling.h"
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

const CeilingKernels kAll[] = {
    {"avx512", WhyNotAvx512, avx512::kPeaks, avx512::kStreams},
    {"avx2", WhyNotAvx2, avx2::kPeaks, avx2::kStreams},
};

}  // namespace

std::span<const CeilingKernels> AllCeilingKernels() { return kAll; }

// Register to register: Golden Cove and later add small immediates at rename, in no time at all.
void DependentAdds(int64_t count) {
  int64_t rounds = (count + 63) / 64;
  uint64_t sum = 0;
  const uint64_t one = 1;
  asm volatile(
      "1:\n\t"
      ".rept 64\n\t"
      "addq %[one], %[sum]\n\t"
      ".endr\n\t"
      "decq %[rounds]\n\t"
      "jnz 1b\n\t"
      : [sum] "+r"(sum), [rounds] "+r"(rounds)
      : [one] "r"(one)
      : "cc");
}

}  // namespace wattline::kernels
