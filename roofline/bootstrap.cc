#include "roofline/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

constexpr double kNormal975 = 1.959963984540054;

}  // namespace

double NormalDraws::Uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }

// Box and Muller; the second of each pair is thrown away, which keeps the draws without state.
double NormalDraws::operator()() {
  const double radius = std::sqrt(-2 * std::log(Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

// A point that the fit must pass through says nothing of its scatter: 20 times is the limit.
double WildResidual(double residual, double leverage) {
  return residual / std::max(1 - leverage, 0.05);
}

Interval BootstrapInterval(double value, std::vector<double> resampled, int degrees_of_freedom) {
  if (resampled.empty()) return {value, value, value};
  std::sort(resampled.begin(), resampled.end());
  const double widen = StudentT975(degrees_of_freedom) / kNormal975;
  const double low = value + widen * (Quantile(resampled, 0.025) - value);
  const double high = value + widen * (Quantile(resampled, 0.975) - value);
  return {value, std::min(low, value), std::max(high, value)};
}

Interval LogBootstrapInterval(double value, const std::vector<double>& resampled,
                              int degrees_of_freedom) {
  std::vector<double> logs;
  for (double r : resampled) logs.push_back(std::log(r));
  const Interval log = BootstrapInterval(std::log(value), std::move(logs), degrees_of_freedom);
  return {value, std::min(std::exp(log.low), value), std::max(std::exp(log.high), value)};
}

// Beyond the table, Abramowitz and Stegun 26.7.5 to the second order: 2e-3 off at 12.
double StudentT975(int degrees_of_freedom) {
  constexpr std::array<double, 8> kTable = {12.7062, 4.3027, 3.1824, 2.7764,
                                            2.5706,  2.4469, 2.3646, 2.3060};
  const auto index = static_cast<size_t>(std::max(degrees_of_freedom, 1) - 1);
  if (index < kTable.size()) return kTable[index];
  const double z = kNormal975;
  const double n = degrees_of_freedom;
  return z + (std::pow(z, 3) + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * n * n);
}

Interval IntervalOfRuns(std::span<const double> runs) {
  const double value = *Median(runs);
  const auto count = static_cast<double>(runs.size());
  if (runs.size() < 2) return {value, value, value};
  double mean = 0;
  for (double run : runs) mean += std::log(run) / count;
  double variance = 0;
  for (double run : runs) variance += std::pow(std::log(run) - mean, 2) / (count - 1);
  const double half = StudentT975(static_cast<int>(runs.size()) - 1) * std::sqrt(variance / count);
  // Around the mean of the logarithms, which few runs tell better than their median.
  return {value, std::min(value, std::exp(mean - half)), std::max(value, std::exp(mean + half))};
}

}  // namespace wattline::roofline
