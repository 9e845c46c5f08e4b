// What a few noisy samples allow to be said: intervals, tests, corrections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace wattline::roofline {

// A median with its 95 % interval; low and high are absent below kLeastForInterval samples.
struct Estimate {
  double median = 0;
  std::optional<double> low;
  std::optional<double> high;
  size_t count = 0;
};
inline constexpr size_t kLeastForInterval = 3;

// Bootstrap percentile interval. Absent for no samples. The same samples and seed give the same.
std::optional<Estimate> EstimateOf(std::span<const double> samples, int resamples = 1000,
                                   uint64_t seed = 1);

// Ratio of medians, `a` over `b`, with the interval of independent bootstraps of both. Samples > 0.
std::optional<Estimate> RatioOf(std::span<const double> a, std::span<const double> b,
                                int resamples = 1000, uint64_t seed = 1);

// Two-sided p of the Mann-Whitney U test: exact where there are no ties and at most 20 samples a
// side, else the normal approximation with tie and continuity correction. Absent where no p below
// 0.05 is possible (3 and 3 samples: 0.1 at best) or a side is empty.
std::optional<double> MannWhitneyP(std::span<const double> a, std::span<const double> b);

// Holm's step-down correction for `p.size()` tests, in the order given; never above 1.
std::vector<double> HolmAdjusted(std::span<const double> p);

// Absent for no values or one that is not positive.
std::optional<double> GeometricMean(std::span<const double> values);

}  // namespace wattline::roofline
