// The energy roofline, fitted: E = W flop_j + Q byte_j + T constant_w, or refused.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/bootstrap.h"
#include "roofline/fit.h"

namespace wattline::roofline {

// What a fit must keep to be trusted. The public sweeps of H200 and A100, at a steady clock, have
// conditions of 30 and 20, errors of 2.1 and 2.4 % and a constant share of 15 to 38 %; a sweep of
// which one slope is left has a condition of thousands; the MI300X under its cap, where the
// constant swallows all, a share of 96 to 99 %.
inline constexpr int kLeastEnergyPoints = 6;
inline constexpr double kMostCondition = 300;
inline constexpr double kMostEnergyError = 0.10;
inline constexpr double kMostConstantShare = 0.95;  // of the energy, at every intensity
// Half of an interval, over its value; for constant_w, which may be small, over the mean power.
inline constexpr double kMostHalfWidth = 0.5;
inline constexpr double kMostConstantHalfWidth = 0.2;
// Joules per FLOP of slowed points, over those of points at full clock or under it.
inline constexpr double kMostSlowedFactor = 2;

struct EnergyResult {
  std::optional<EnergyCoefficients> coefficients;
  std::string refused;  // one sentence where there are none
  // Points under a power cap or at another clock are dropped. Where the others cannot tell byte_j
  // from constant_w and all together can, all are used and this says so: the coefficients are then
  // means over the clocks that the chip ran at.
  std::string caution;
  std::vector<std::string> dropped;  // points left out, each with its reason
};

// Least squares of relative errors of E/W = flop_j + byte_j / I + constant_w / (W/T).
EnergyResult FitEnergy(std::span<const IntensityPoint> points, const Bootstrap& bootstrap = {});

// The estimator alone, on all points that have watts, whatever clock or cap they ran under. Absent
// for fewer than kLeastEnergyPoints points or columns that depend on each other wholly.
std::optional<EnergyCoefficients> FitEnergyUnjudged(std::span<const IntensityPoint> points,
                                                    const Bootstrap& bootstrap = {});

}  // namespace wattline::roofline
