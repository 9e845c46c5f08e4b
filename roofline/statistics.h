// What a few noisy samples allow to be said: intervals, tests, corrections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace wattline::roofline {

// A median (or mean, where so said) with its 95 % interval; low and high are absent below
// kLeastForInterval samples.
struct Estimate {
  double median = 0;
  std::optional<double> low;
  std::optional<double> high;
  size_t count = 0;
};
inline constexpr size_t kLeastForInterval = 3;

// MedianBootstrap percentile intervals. Resampling n values picks ranks, whatever the values are,
// so the ranks of the middle of each resample are drawn once per n; a row then costs `resamples`
// look-ups. Not for several threads at once.
class MedianBootstrap {
 public:
  explicit MedianBootstrap(int resamples = 1000, uint64_t seed = 1);

  // Of the median. Absent for no samples. The same samples and seed give the same.
  std::optional<Estimate> Of(std::span<const double> samples);
  // Ratio of medians, `a` over `b`, with independent resamples of both; count is that of the side
  // with fewer. Absent without samples or where one is not positive.
  std::optional<Estimate> Ratio(std::span<const double> a, std::span<const double> b);

 private:
  // Ranks of the middle two (of an odd count, twice the same) in a sorted resample.
  struct Middle {
    uint32_t low = 0;
    uint32_t high = 0;
  };
  // `side` 0 and 1 have independent draws.
  const std::vector<Middle>& Middles(size_t count, int side);
  void SetInterval(Estimate& estimate);  // from drawn_

  size_t resamples_;
  uint64_t seed_;
  std::map<std::pair<size_t, int>, std::vector<Middle>> middles_;
  std::vector<double> drawn_;
};

// A bootstrap of its own, for a single use.
std::optional<Estimate> EstimateOf(std::span<const double> samples, int resamples = 1000,
                                   uint64_t seed = 1);
std::optional<Estimate> RatioOf(std::span<const double> a, std::span<const double> b,
                                int resamples = 1000, uint64_t seed = 1);

// The smallest two-sided p that a Mann-Whitney test of so many samples can give: 2 / C(a + b, a).
double SmallestP(size_t a, size_t b);
// A test with a smallest p below this is worth making.
inline constexpr double kUsefulP = 0.05;

// Two-sided p of the Mann-Whitney U test: exact where there are no ties and at most 20 samples a
// side, else the normal approximation with tie and continuity correction. Absent where SmallestP()
// is not below kUsefulP (3 and 3 samples: 0.1) or a side is empty.
std::optional<double> MannWhitneyP(std::span<const double> a, std::span<const double> b);

// Holm's step-down correction for `p.size()` tests, in the order given; never above 1.
std::vector<double> HolmAdjusted(std::span<const double> p);

// Largest p at which a test may be made so that it can still pass Holm's correction: tests whose
// smallest p is above cannot, whatever they find, and must not cost the others power (Tarone, A
// modified Bonferroni method for discrete data, Biometrics 46, 1990). The choice looks at numbers
// of samples only.
double LargestUsefulP(std::span<const double> smallest_p, double alpha);

// Absent for no values or one that is not positive.
std::optional<double> GeometricMean(std::span<const double> values);
// The same with a bootstrap interval over the values; above 100 values the normal law that it tends
// to.
std::optional<Estimate> GeometricMeanOf(std::span<const double> values, int resamples = 1000,
                                        uint64_t seed = 1);

}  // namespace wattline::roofline
