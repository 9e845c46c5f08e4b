// Which of OpenBLAS's kernels suit a CPU that is newer than its detection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wattline::kernels {

// The rule: kernels of the best set that the CPU has, where `chosen` is of an older one. Measured
// with 0.3.21, one core, 1024^3: Emerald Rapids gets "Prescott" and 38 of 220 GFLOP/s, with
// "SkylakeX" 191, "Cooperlake" 187, "Haswell" 100; Zen 5 gets "Haswell" and 126 of 259, with
// "SkylakeX" 230.
inline std::optional<std::string> BetterOpenBlasCoreThan(std::string_view chosen, bool has_avx2,
                                                         bool has_avx512) {
  // Later versions have cores that these lists do not; they stay.
  for (std::string_view sse : {"Generic", "Prescott", "Core2", "Nehalem", "Sandybridge"}) {
    if (chosen == sse && (has_avx2 || has_avx512)) return has_avx512 ? "SkylakeX" : "Haswell";
  }
  // "Zen" and "Excavator": Haswell's kernels with another tuning.
  for (std::string_view avx2 : {"Haswell", "Zen", "Excavator"}) {
    if (chosen == avx2 && has_avx512) return "SkylakeX";
  }
  return std::nullopt;
}

}  // namespace wattline::kernels
