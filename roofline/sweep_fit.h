// The law of an intensity sweep, fitted: attained = (P^-p + (B I)^-p)^(-1/p).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "roofline/bootstrap.h"
#include "roofline/fit.h"

namespace wattline::roofline {

// Fewer points than these leave no scatter to judge three parameters by.
inline constexpr int kLeastSweepPoints = 6;
// From here on the corner sags by less than 2.3 %: straight for all that a sweep can tell. The fit
// stops at the second.
inline constexpr double kStraightSharpness = 30;
inline constexpr double kMostSharpness = 100;

struct SweepFit {
  std::string refused;  // why there is no fit, one sentence; the rest is then empty
  Interval peak_flop_per_s;
  Interval byte_per_s;
  Interval ridge_flop_per_byte;  // from the same resamples as P and B
  // Absent where the points do not tell it: the corner's share of P is not known within 20 points.
  std::optional<Interval> sharpness;
  std::string sharpness_unknown;  // why, one sentence
  std::optional<double> corner_share;
  double rms_error = 0;  // of the law; of the straight corner where sharpness is absent
  double rms_error_straight = 0;
};

// Least squares of ln(attained) over the points whose `not_used` is empty; intervals by the wild
// bootstrap. A sweep that does not bend from one side to the other is refused.
SweepFit FitSweep(std::span<const IntensityPoint> points, const Bootstrap& bootstrap = {});

// p alone, where P and B are known from elsewhere.
struct SharpnessFit {
  double sharpness = 0;
  double rms_error = 0;  // root of the mean of squared logarithms of fitted over measured
  double rms_error_straight = 0;
};
SharpnessFit FitSharpness(std::span<const IntensityPoint> points, double peak_flop_per_s,
                          double byte_per_s);

}  // namespace wattline::roofline
