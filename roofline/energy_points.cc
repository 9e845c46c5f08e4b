#include "roofline/energy_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// Of all clocks the one at nine tenths, which a single reading cannot raise.
std::optional<double> HighestClock(std::span<const IntensityPoint> points) {
  std::vector<double> clocks;
  for (const IntensityPoint& point : points) {
    if (point.not_used.empty() && point.clock_hz) clocks.push_back(*point.clock_hz);
  }
  if (clocks.empty()) return std::nullopt;
  std::sort(clocks.begin(), clocks.end());
  return clocks[(clocks.size() - 1) * 9 / 10];
}

bool ClockMoved(const IntensityPoint& point, std::optional<double> highest_hz) {
  return point.clock_hz && highest_hz &&
         std::abs(*point.clock_hz / *highest_hz - 1) > kMostClockShare;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double Factor() const { return high > 0 ? high / low : 1; }
};

// A cap: watts that the points of a range of intensity have in common.
struct Cap {
  double watts = 0;
  double from_watts = 0;  // points that draw as much are under the cap
  Range intensity;
};

// The points at the top of the power: those near the median of all that come within 4 % of the
// largest, which alone may be a disturbance.
Cap TopOf(const std::vector<const IntensityPoint*>& points) {
  double most_watts = 0;
  for (const IntensityPoint* point : points) most_watts = std::max(most_watts, *point->watts);
  std::vector<double> near;
  for (const IntensityPoint* point : points) {
    if (*point->watts >= (1 - 2 * kFlatShare) * most_watts) near.push_back(*point->watts);
  }
  Cap top;
  top.watts = *Median(near);
  top.from_watts = (1 - kFlatShare) * top.watts;
  for (const IntensityPoint* point : points) {
    if (*point->watts >= top.from_watts) top.intensity.Add(point->flop_per_byte);
  }
  return top;
}

// A chip under no cap has a flat top too, above its ridge, where nothing but the traffic still
// falls. What tells a cap: under it the clock falls, or without a reading of the clock, the speed
// moves by a quarter and stays a tenth under the straight roof of the sweep's own largest rates.
bool IsHeldDown(const std::vector<const IntensityPoint*>& points, const Cap& top,
                std::optional<double> highest_hz) {
  Range peak, bandwidth, speed;
  for (const IntensityPoint* point : points) {
    peak.Add(point->flop_per_s);
    bandwidth.Add(point->flop_per_s / point->flop_per_byte);
  }
  int slow = 0;
  double least_share = 1;
  for (const IntensityPoint* point : points) {
    if (*point->watts < top.from_watts) continue;
    slow += ClockMoved(*point, highest_hz);
    speed.Add(point->flop_per_s);
    const double roof = std::min(peak.high, bandwidth.high * point->flop_per_byte);
    least_share = std::min(least_share, point->flop_per_s / roof);
  }
  if (highest_hz) return slow >= kFlatPoints;
  return speed.Factor() > 1.25 && least_share < 0.9;
}

std::optional<Cap> FindCap(std::span<const IntensityPoint> points,
                           std::optional<double> highest_hz) {
  std::vector<const IntensityPoint*> used;
  for (const IntensityPoint& point : points) {
    if (point.not_used.empty() && HasFigures(point)) used.push_back(&point);
  }
  if (used.empty()) return std::nullopt;
  const Cap top = TopOf(used);
  const auto flat = std::count_if(used.begin(), used.end(), [&](const IntensityPoint* point) {
    return *point->watts >= top.from_watts;
  });
  if (flat < kFlatPoints || top.intensity.Factor() < kFlatSpan) return std::nullopt;
  if (!IsHeldDown(used, top, highest_hz)) return std::nullopt;
  return top;
}

}  // namespace

bool HasFigures(const IntensityPoint& point) {
  return point.flop_per_byte > 0 && point.flop_per_s > 0 && point.watts && *point.watts > 0;
}

std::vector<std::string> WhyLeftOut(std::span<const IntensityPoint> points) {
  const std::optional<double> highest_hz = HighestClock(points);
  const std::optional<Cap> cap = FindCap(points, highest_hz);
  std::vector<std::string> reasons;
  for (const IntensityPoint& point : points) {
    std::string reason = point.not_used;
    if (!reason.empty()) {
    } else if (!HasFigures(point)) {
      reason = "it has no watts";
    } else if (cap && *point.watts >= cap->from_watts) {
      reason = fmt::format(
          "power cap: {:.4g} W, as from {:.3g} to {:.4g} FLOP/byte, where the power stays at "
          "{:.4g} "
          "W while the {} falls",
          *point.watts, cap->intensity.low, cap->intensity.high, cap->watts,
          highest_hz ? "clock" : "attained share of the roof");
    } else if (ClockMoved(point, highest_hz)) {
      reason = fmt::format("its clock, {:.0f} MHz, is {:.0f} % off the sweep's {:.0f} MHz",
                           *point.clock_hz * 1e-6,
                           100 * std::abs(*point.clock_hz / *highest_hz - 1), *highest_hz * 1e-6);
    }
    reasons.push_back(std::move(reason));
  }
  return reasons;
}

std::string WhySamePower(std::span<const IntensityPoint> points) {
  Range watts;
  for (const IntensityPoint& point : points) {
    if (point.not_used.empty() && HasFigures(point)) watts.Add(*point.watts);
  }
  if (watts.high == 0 || watts.low < (1 - kSamePowerShare) * watts.high) return {};
  return fmt::format(
      "the power is the same at every intensity, {:.4g} to {:.4g} W, as under a power cap: the "
      "joules tell the time and nothing else",
      watts.low, watts.high);
}

}  // namespace wattline::roofline
