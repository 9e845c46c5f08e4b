#include "roofline/statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014): the
// standard library's distributions differ between its makers, this does not.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  // [0, 1)
  uint32_t Below(size_t count) {
    return static_cast<uint32_t>(Uniform() * static_cast<double>(count));
  }
  double Normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(2 * 3.141592653589793 * Uniform());
  }

 private:
  uint64_t state_;
};

constexpr double kOutside = 0.025;  // of a 95 % interval, on each side
constexpr double kNormal95 = 1.959964;

// The interval's ends among sorted values: rounded outwards.
size_t LowRank(size_t count) {
  return static_cast<size_t>(kOutside * static_cast<double>(count - 1));
}
size_t HighRank(size_t count) { return count - 1 - LowRank(count); }

std::vector<double> Sorted(std::span<const double> samples) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double NormalTail(double z) { return std::erfc(z / std::sqrt(2.0)) / 2; }

// Ranks from 1, ties with their mean rank. The sum of those of `a`, and sum(t^3 - t) over the ties.
struct Ranks {
  double sum_a = 0;
  double ties = 0;
};
Ranks RankTogether(std::span<const double> a, std::span<const double> b) {
  std::vector<std::pair<double, bool>> all;  // value, of a
  for (double x : a) all.emplace_back(x, true);
  for (double x : b) all.emplace_back(x, false);
  std::sort(all.begin(), all.end());
  Ranks ranks;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    size_t of_a = 0;
    for (; end < all.size() && all[end].first == all[begin].first; ++end) of_a += all[end].second;
    const double mean_rank = static_cast<double>(begin + 1 + end) / 2;
    ranks.sum_a += mean_rank * static_cast<double>(of_a);
    const auto tied = static_cast<double>(end - begin);
    ranks.ties += tied * tied * tied - tied;
    begin = end;
  }
  return ranks;
}

// Number of ways in which `a` and `b` distinct samples give each U, from 0 to a b: coefficients of
// the Gaussian binomial, prod (1 - q^(b + i)) / (1 - q^i) for i = 1 .. a. Exact: below 2^53.
std::vector<double> WaysOfU(size_t a, size_t b) {
  std::vector<double> ways(a * b + 1, 0.0);
  ways[0] = 1;
  for (size_t i = 1; i <= a; ++i) {
    for (size_t u = ways.size(); u-- > b + i;) ways[u] -= ways[u - b - i];
    for (size_t u = i; u < ways.size(); ++u) ways[u] += ways[u - i];
  }
  return ways;
}

double ExactP(size_t a, size_t b, double least_u) {
  const std::vector<double> ways = WaysOfU(a, b);
  const auto last = static_cast<size_t>(least_u);
  double below = 0;
  for (size_t u = 0; u <= last; ++u) below += ways[u];
  return 2 * below / std::accumulate(ways.begin(), ways.end(), 0.0);
}

double NormalP(double a, double b, double least_u, double ties) {
  const double n = a + b;
  const double variance = a * b / 12 * ((n + 1) - ties / (n * (n - 1)));
  if (!(variance > 0)) return 1;  // all alike
  const double z = (a * b / 2 - least_u - 0.5) / std::sqrt(variance);
  return 2 * NormalTail(std::max(z, 0.0));
}

}  // namespace

MedianBootstrap::MedianBootstrap(int resamples, uint64_t seed)
    : resamples_(static_cast<size_t>(std::max(resamples, 1))), seed_(seed) {}

const std::vector<MedianBootstrap::Middle>& MedianBootstrap::Middles(size_t count, int side) {
  std::vector<Middle>& middles = middles_[{count, side}];
  if (!middles.empty()) return middles;
  Random random(seed_ * 0x9e3779b97f4a7c15 + 2 * count + static_cast<uint64_t>(side));
  middles.reserve(resamples_);
  // Above, the middle's rank is as good as normal: mean n / 2, deviation sqrt(n) / 2.
  constexpr size_t kMostDrawn = 200;
  std::vector<uint32_t> ranks(std::min(count, kMostDrawn));
  for (size_t r = 0; r < resamples_; ++r) {
    if (count > kMostDrawn) {
      const auto n = static_cast<double>(count);
      const double rank = n / 2 + random.Normal() * std::sqrt(n) / 2;
      const auto middle = static_cast<uint32_t>(std::clamp(rank, 0.0, n - 1));
      middles.push_back({middle, middle});
      continue;
    }
    for (uint32_t& rank : ranks) rank = random.Below(count);
    const auto half = ranks.begin() + static_cast<long>(count / 2);
    std::nth_element(ranks.begin(), half, ranks.end());
    const uint32_t low = count % 2 == 1 ? *half : *std::max_element(ranks.begin(), half);
    middles.push_back({low, *half});
  }
  return middles;
}

void MedianBootstrap::SetInterval(Estimate& estimate) {
  // Few values lie outside: a heap of those takes a third of the time of a selection.
  const auto outside = static_cast<long>(LowRank(drawn_.size())) + 1;
  const auto low = drawn_.begin() + outside;
  std::partial_sort(drawn_.begin(), low, drawn_.end());
  estimate.low = low[-1];
  estimate.high = low[-1];
  if (drawn_.end() - low < outside) return;  // one or two resamples
  std::partial_sort(low, low + outside, drawn_.end(), std::greater<>());
  estimate.high = low[outside - 1];
}

std::optional<Estimate> MedianBootstrap::Of(std::span<const double> samples) {
  if (samples.empty()) return std::nullopt;
  if (samples.size() == 1) return Estimate{samples[0], std::nullopt, std::nullopt, 1};
  const std::vector<double> sorted = Sorted(samples);
  const size_t half = sorted.size() / 2;
  Estimate estimate;
  estimate.median = (sorted[(sorted.size() - 1) / 2] + sorted[half]) / 2;
  estimate.count = sorted.size();
  if (sorted.size() < kLeastForInterval) return estimate;
  drawn_.clear();
  for (const Middle& m : Middles(sorted.size(), 0)) {
    drawn_.push_back((sorted[m.low] + sorted[m.high]) / 2);
  }
  SetInterval(estimate);
  return estimate;
}

std::optional<Estimate> MedianBootstrap::Ratio(std::span<const double> a,
                                               std::span<const double> b) {
  if (a.empty() || b.empty()) return std::nullopt;
  const std::vector<double> above = Sorted(a);
  const std::vector<double> below = Sorted(b);
  if (!(above.front() > 0) || !(below.front() > 0)) return std::nullopt;
  Estimate estimate;
  estimate.median = *Median(above) / *Median(below);
  estimate.count = std::min(a.size(), b.size());
  if (estimate.count < kLeastForInterval) return estimate;
  const std::vector<Middle>& of_a = Middles(a.size(), 0);
  const std::vector<Middle>& of_b = Middles(b.size(), 1);
  drawn_.clear();
  for (size_t r = 0; r < resamples_; ++r) {
    drawn_.push_back((above[of_a[r].low] + above[of_a[r].high]) /
                     (below[of_b[r].low] + below[of_b[r].high]));
  }
  SetInterval(estimate);
  return estimate;
}

std::optional<Estimate> EstimateOf(std::span<const double> samples, int resamples, uint64_t seed) {
  return MedianBootstrap(resamples, seed).Of(samples);
}

std::optional<Estimate> RatioOf(std::span<const double> a, std::span<const double> b, int resamples,
                                uint64_t seed) {
  return MedianBootstrap(resamples, seed).Ratio(a, b);
}

double SmallestP(size_t a, size_t b) {
  // 2 / C(a + b, a), a factor at a time.
  double p = 2;
  for (size_t i = 1; i <= std::min(a, b); ++i) {
    p *= static_cast<double>(i) / static_cast<double>(std::max(a, b) + i);
  }
  return std::min(p, 1.0);
}

std::optional<double> MannWhitneyP(std::span<const double> a, std::span<const double> b) {
  constexpr size_t kMostExact = 20;
  if (a.empty() || b.empty() || SmallestP(a.size(), b.size()) >= kUsefulP) return std::nullopt;
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const Ranks ranks = RankTogether(a, b);
  const double u = ranks.sum_a - n * (n + 1) / 2;
  const double least_u = std::min(u, n * m - u);
  const bool exact = ranks.ties == 0 && std::max(a.size(), b.size()) <= kMostExact;
  const double p = exact ? ExactP(a.size(), b.size(), least_u) : NormalP(n, m, least_u, ranks.ties);
  return std::min(p, 1.0);
}

std::vector<double> HolmAdjusted(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&p](size_t i, size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const double own = p[order[k]] * static_cast<double>(p.size() - k);
    largest = std::max(largest, std::min(own, 1.0));
    adjusted[order[k]] = largest;
  }
  return adjusted;
}

double LargestUsefulP(std::span<const double> smallest_p, double alpha) {
  // Tarone's K: the smallest with no more than K tests that can reach alpha / K.
  const std::vector<double> sorted = Sorted(smallest_p);
  for (size_t k = 1; k <= sorted.size(); ++k) {
    const double limit = alpha / static_cast<double>(k);
    const auto able = std::upper_bound(sorted.begin(), sorted.end(), limit) - sorted.begin();
    if (static_cast<size_t>(able) <= k) return limit;
  }
  return alpha;
}

std::optional<double> GeometricMean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double sum = 0;
  for (double value : values) {
    if (!(value > 0)) return std::nullopt;
    sum += std::log(value);
  }
  return std::exp(sum / static_cast<double>(values.size()));
}

std::optional<Estimate> GeometricMeanOf(std::span<const double> values, int resamples,
                                        uint64_t seed) {
  constexpr size_t kMostDrawn = 100;
  const std::optional<double> mean = GeometricMean(values);
  if (!mean) return std::nullopt;
  Estimate estimate{*mean, std::nullopt, std::nullopt, values.size()};
  if (values.size() < kLeastForInterval) return estimate;
  const auto n = static_cast<double>(values.size());
  std::vector<double> logs;
  for (double value : values) logs.push_back(std::log(value));
  if (values.size() > kMostDrawn) {
    double squares = 0;
    for (double log : logs) squares += std::pow(log - std::log(*mean), 2);
    const double half_width = kNormal95 * std::sqrt(squares / (n - 1) / n);
    estimate.low = *mean * std::exp(-half_width);
    estimate.high = *mean * std::exp(half_width);
    return estimate;
  }
  Random random(seed);
  std::vector<double> means;
  for (int r = 0; r < std::max(resamples, 1); ++r) {
    double sum = 0;
    for (size_t i = 0; i < logs.size(); ++i) sum += logs[random.Below(logs.size())];
    means.push_back(sum / n);
  }
  std::sort(means.begin(), means.end());
  estimate.low = std::exp(means[LowRank(means.size())]);
  estimate.high = std::exp(means[HighRank(means.size())]);
  return estimate;
}

}  // namespace wattline::roofline
