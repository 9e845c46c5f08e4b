// The list of instruction sets, and the clock's chain, on each architecture.
#include "kernels/ceiling/ceiling.h"
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/cpu/features.h"

// One addition of registers that waits for the one before, and the loop's count. Register to
// register: Golden Cove and later add small immediates at rename, in no time at all.
#if defined(__x86_64__)
#define WATTLINE_ADD "addq %[one], %[sum]\n\t"
#define WATTLINE_LOOP "decq %[rounds]\n\tjnz 1b\n\t"
#else
#define WATTLINE_ADD "add %[sum], %[sum], %[one]\n\t"
#define WATTLINE_LOOP "subs %[rounds], %[rounds], #1\n\tb.ne 1b\n\t"
#endif

namespace wattline::kernels {
namespace {

const CeilingKernels kAll[] = {
#if defined(__x86_64__)
    {"amx", "avx512", WhyNotAmx, amx::kPeaks, {}, {}},
    {"avx512", "", WhyNotAvx512, avx512::kPeaks, avx512::kStreams, avx512::kIntensities},
    {"avxvnni", "avx2", WhyNotAvxVnni, avxvnni::kPeaks, {}, avxvnni::kIntensities},
    {"avx2", "", WhyNotAvx2, avx2::kPeaks, avx2::kStreams, avx2::kIntensities},
#else
    {"neon_i8mm", "neon", WhyNotNeonI8mm, neon_i8mm::kPeaks, {}, {}},
    {"neon", "", WhyNotNeon, neon::kPeaks, neon::kStreams, neon::kIntensities},
#endif
};

}  // namespace

std::span<const CeilingKernels> AllCeilingKernels() { return kAll; }

bool IsPartOf(const CeilingKernels& part, std::string_view isa) {
  if (isa.empty() || isa == part.isa) return true;
  for (const CeilingKernels& one : kAll) {
    if (isa == one.isa) return part.isa == one.extends;
  }
  return false;
}

void DependentAdds(int64_t count) {
  int64_t rounds = (count + 63) / 64;
  uint64_t sum = 0;
  const uint64_t one = 1;
  // clang-format off
  asm volatile(
      "1:\n\t"
      ".rept 64\n\t"
      WATTLINE_ADD
      ".endr\n\t"
      WATTLINE_LOOP
      : [sum] "+r"(sum), [rounds] "+r"(rounds)
      : [one] "r"(one)
      : "cc");
  // clang-format on
}

#undef WATTLINE_ADD
#undef WATTLINE_LOOP

}  // namespace wattline::kernels
