#include "roofline/plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace wattline::roofline {
namespace {

constexpr std::array<int, 3> kSteps = {1, 2, 5};
// A value this near to a tick is on it: rounding of log10 and pow.
constexpr double kOn = 1 + 1e-9;

// Exact for the powers that a double holds exactly, unlike pow() of some libraries.
double TenTo(int exponent) {
  double power = 1;
  for (int i = 0; i < std::abs(exponent); ++i) power *= 10;
  return exponent < 0 ? 1 / power : power;
}

std::string TickText(int step, int exponent) {
  if (exponent >= 6 || exponent < -4) return fmt::format("{}e{}", step, exponent);
  if (exponent >= 0) return fmt::format("{}", step * static_cast<int>(TenTo(exponent)));
  return fmt::format("{:.{}f}", step * TenTo(exponent), -exponent);
}

}  // namespace

double LogAxis::Px(double value) const {
  return low_px + (high_px - low_px) * std::log(value / low) / std::log(high / low);
}

double LogAxis::Value(double px) const {
  return low * std::pow(high / low, (px - low_px) / (high_px - low_px));
}

double LogAxis::DecadePx() const {
  return std::abs(high_px - low_px) * std::log(10) / std::log(high / low);
}

double TickBelow(double value) {
  const int exponent = static_cast<int>(std::floor(std::log10(value)));
  for (int e : {exponent + 1, exponent, exponent - 1}) {
    for (size_t i = kSteps.size(); i-- > 0;) {
      const double tick = kSteps[i] * TenTo(e);
      if (tick <= value * kOn) return tick;
    }
  }
  return value;
}

double TickAbove(double value) {
  const int exponent = static_cast<int>(std::floor(std::log10(value)));
  for (int e : {exponent - 1, exponent, exponent + 1}) {
    for (const int step : kSteps) {
      const double tick = step * TenTo(e);
      if (tick * kOn >= value) return tick;
    }
  }
  return value;
}

std::vector<Tick> Ticks(const LogAxis& axis, double least_px) {
  const double decade_px = axis.DecadePx();
  const bool all = decade_px * std::log10(2) >= least_px;
  const int every = std::max(1, static_cast<int>(std::ceil(least_px / decade_px)));
  const int first = static_cast<int>(std::floor(std::log10(axis.low))) - 1;
  const int last = static_cast<int>(std::ceil(std::log10(axis.high))) + 1;
  std::vector<Tick> ticks;
  for (int exponent = first; exponent <= last; ++exponent) {
    for (const int step : kSteps) {
      const double value = step * TenTo(exponent);
      if (value * kOn < axis.low || value > axis.high * kOn) continue;
      const bool text = all || (step == 1 && exponent % every == 0);
      ticks.push_back({value, step == 1, text ? TickText(step, exponent) : ""});
    }
  }
  return ticks;
}

}  // namespace wattline::roofline
