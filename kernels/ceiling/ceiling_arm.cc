// The list of instruction sets on arm64, and the clock's chain there.
#include "kernels/ceiling/ceiling.h"
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

const CeilingKernels kAll[] = {{"neon", WhyNotNeon, neon::kPeaks, neon::kStreams}};

}  // namespace

std::span<const CeilingKernels> AllCeilingKernels() { return kAll; }

void DependentAdds(int64_t count) {
  int64_t rounds = (count + 63) / 64;
  uint64_t sum = 0;
  const uint64_t one = 1;
  asm volatile(
      "1:\n\t"
      ".rept 64\n\t"
      "add %[sum], %[sum], %[one]\n\t"
      ".endr\n\t"
      "subs %[rounds], %[rounds], #1\n\t"
      "b.ne 1b\n\t"
      : [sum] "+r"(sum), [rounds] "+r"(rounds)
      : [one] "r"(one)
      : "cc");
}

}  // namespace wattline::kernels
