#include "roofline/samples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace wattline::roofline {

std::optional<double> Median(std::span<const double> samples) {
  if (samples.empty()) return std::nullopt;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Quantile(std::span<const double> sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::optional<double> Spread(std::span<const double> samples) {
  const std::optional<double> median = Median(samples);
  if (!median || !(*median > 0)) return std::nullopt;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t quarter = sorted.size() / 4;
  return (sorted[sorted.size() - 1 - quarter] - sorted[quarter]) / *median;
}

std::vector<size_t> TopCandidates(std::span<const double> rates, size_t count) {
  std::vector<size_t> order(rates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&rates](size_t a, size_t b) { return rates[a] > rates[b]; });
  order.resize(std::min(count, order.size()));
  return order;
}

std::optional<Best> BestOf(std::span<const std::vector<double>> samples) {
  std::optional<Best> best;
  for (size_t i = 0; i < samples.size(); ++i) {
    const std::optional<double> median = Median(samples[i]);
    if (median && (!best || *median > best->rate)) best = Best{i, *median};
  }
  return best;
}

std::optional<double> DoublingRatio(std::span<const Doubling> pairs) {
  std::vector<double> ratios;
  for (const Doubling& pair : pairs) {
    if (pair.once_s > 0) ratios.push_back(pair.twice_s / pair.once_s);
  }
  return Median(ratios);
}

bool WorkIsTimed(std::span<const Doubling> pairs) {
  const std::optional<double> ratio = DoublingRatio(pairs);
  return ratio && std::abs(*ratio / 2 - 1) <= kDoublingShare;
}

std::optional<double> Ridge(std::optional<double> peak_flop_per_s,
                            std::optional<double> byte_per_s) {
  if (!peak_flop_per_s || !byte_per_s || !(*byte_per_s > 0)) return std::nullopt;
  return *peak_flop_per_s / *byte_per_s;
}

}  // namespace wattline::roofline
