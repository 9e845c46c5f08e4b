// What may be concluded from repeated timings: which candidate is the best, and whether a loop
// really did the work that it was timed for.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace wattline::roofline {

// Absent for no samples. Of an even number, the mean of the middle two.
std::optional<double> Median(std::span<const double> samples);

// Between neighbours in proportion; `sorted` is not empty, `share` in 0 ... 1.
double Quantile(std::span<const double> sorted, double share);

// Distance of the quartiles over the median: a single disturbed sample does not count. Absent for
// no samples.
std::optional<double> Spread(std::span<const double> samples);

// Indices of the `count` largest rates, largest first; fewer where there are fewer.
std::vector<size_t> TopCandidates(std::span<const double> rates, size_t count);

struct Best {
  size_t index = 0;
  double rate = 0;  // the candidate's median
};

// The candidate with the largest median. The samples must be new ones, not those that the
// candidates were picked by: the maximum of many noisy rates is too large, its repetition is not.
// Absent where no candidate has a sample.
std::optional<Best> BestOf(std::span<const std::vector<double>> samples);

// The same loop timed once with its work and once with twice its work.
struct Doubling {
  double once_s = 0;
  double twice_s = 0;
};
inline constexpr double kDoublingShare = 0.03;

// Median of twice_s / once_s. A loop whose doubled work takes no doubled time was not timed: the
// compiler folded it, or a fixed cost hides in it.
std::optional<double> DoublingRatio(std::span<const Doubling> pairs);
// The ratio is within kDoublingShare of 2.
bool WorkIsTimed(std::span<const Doubling> pairs);

// FLOP per byte above which the peak and below which the bandwidth is the limit.
std::optional<double> Ridge(std::optional<double> peak_flop_per_s,
                            std::optional<double> byte_per_s);

}  // namespace wattline::roofline
