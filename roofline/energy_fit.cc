#include "roofline/energy_fit.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "roofline/energy_points.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Points = std::vector<IntensityPoint>;

enum Column : int { kFlop, kByte, kConstant, kColumns };

// Rows over their measured joules per FLOP: the right side is 1, and residuals are relative.
MatrixXd Design(const Points& points) {
  MatrixXd design(points.size(), int{kColumns});
  for (size_t i = 0; i < points.size(); ++i) {
    const IntensityPoint& p = points[i];
    const double joule_per_flop = *p.watts / p.flop_per_s;
    design.row(static_cast<int>(i)) << 1 / joule_per_flop, 1 / p.flop_per_byte / joule_per_flop,
        1 / p.flop_per_s / joule_per_flop;
  }
  return design;
}

// On the first `columns`, scaled to unit length; the others' coefficients are zero.
struct LeastSquares {
  VectorXd coefficients;
  VectorXd residual;  // relative: 1 - fitted / measured
  VectorXd leverage;
  MatrixXd solver;  // coefficients = solver * right side
  double condition = 0;
};

LeastSquares SolveLeastSquares(const MatrixXd& design, int columns) {
  const MatrixXd used = design.leftCols(columns);
  const VectorXd length = used.colwise().norm();
  const Eigen::JacobiSVD<MatrixXd> svd(used * length.cwiseInverse().asDiagonal(),
                                       Eigen::ComputeThinU | Eigen::ComputeThinV);
  const VectorXd& singular = svd.singularValues();
  LeastSquares fit;
  fit.condition = singular[0] / singular[columns - 1];
  fit.solver = MatrixXd::Zero(kColumns, design.rows());
  fit.solver.topRows(columns) = length.cwiseInverse().asDiagonal() * svd.matrixV() *
                                singular.cwiseInverse().asDiagonal() * svd.matrixU().transpose();
  fit.coefficients = fit.solver.rowwise().sum();
  fit.residual = VectorXd::Ones(design.rows()) - design * fit.coefficients;
  fit.leverage = svd.matrixU().rowwise().squaredNorm();
  return fit;
}

// A fit and its resamples.
struct Fitted {
  LeastSquares least_squares;
  EnergyCoefficients coefficients;
  double least_constant_share = 0;  // of the energy, over the points
  // Where the points ask for a negative constant and the fit has zero in its place: what they ask
  // for.
  std::optional<Interval> negative_constant_w;
};

std::optional<Fitted> FitPoints(const Points& points, const Bootstrap& bootstrap) {
  if (points.size() < kLeastEnergyPoints) return std::nullopt;
  const MatrixXd design = Design(points);
  Fitted fitted{SolveLeastSquares(design, kColumns), {}, 0, {}};
  // A chip's constant power is not negative: where the points want it so, it is zero.
  const bool no_constant = fitted.least_squares.coefficients[kConstant] < 0;
  const double condition = fitted.least_squares.condition;
  if (!std::isfinite(condition)) return std::nullopt;
  const LeastSquares full = fitted.least_squares;
  if (no_constant) fitted.least_squares = SolveLeastSquares(design, kConstant);
  const LeastSquares& fit = fitted.least_squares;
  const LeastSquares reduced = no_constant ? fit : SolveLeastSquares(design, kConstant);

  NormalDraws draw(bootstrap.seed);
  std::vector<double> values[kColumns];
  std::vector<double> balances;
  std::vector<double> free_constants;
  for (int b = 0; b < bootstrap.resamples; ++b) {
    VectorXd right = VectorXd::Ones(design.rows()) - fit.residual;
    for (int i = 0; i < right.size(); ++i) {
      right[i] += WildResidual(fit.residual[i], fit.leverage[i]) * draw();
    }
    VectorXd again = full.solver * right;
    free_constants.push_back(again[kConstant]);
    if (again[kConstant] < 0) again = reduced.solver * right;
    for (int c = 0; c < kColumns; ++c) values[c].push_back(again[c]);
    balances.push_back(again[kByte] / again[kFlop]);
  }
  const int freedom = static_cast<int>(points.size()) - kColumns;
  const VectorXd& x = fit.coefficients;
  fitted.coefficients = {BootstrapInterval(x[kFlop], values[kFlop], freedom),
                         BootstrapInterval(x[kByte], values[kByte], freedom),
                         BootstrapInterval(x[kConstant], values[kConstant], freedom),
                         BootstrapInterval(x[kByte] / x[kFlop], balances, freedom),
                         fit.residual.cwiseAbs().maxCoeff(),
                         condition};
  if (no_constant) {
    // Resampled around the fit without a constant, so the deviations are from zero.
    const double asked = full.coefficients[kConstant];
    for (double& constant : free_constants) constant += asked;
    fitted.negative_constant_w = BootstrapInterval(asked, free_constants, freedom);
  }
  Interval& constant = fitted.coefficients.constant_w;
  constant.low = std::max(constant.low, 0.0);
  fitted.least_constant_share = (design.col(kConstant) * x[kConstant]).minCoeff();
  return fitted;
}

// Of constant power, in its own value: wider ones are given with that caution.
constexpr double kSureHalfWidth = 0.5;

double HalfWidth(const Interval& interval) { return (interval.high - interval.low) / 2; }

std::string WhyNotTold(const char* what, const Interval& interval, double unit, const char* in) {
  if (interval.value > 0 && HalfWidth(interval) <= kMostHalfWidth * interval.value) return {};
  return fmt::format("{} is not told by these points: {:.3g} {}, {:.3g} to {:.3g} at 95 %", what,
                     interval.value * unit, in, interval.low * unit, interval.high * unit);
}

// The first reason not to trust the fit; empty where there is none.
std::string WhyNotTrusted(const Points& points, const Bootstrap& bootstrap,
                          std::optional<Fitted>& fitted) {
  if (points.size() < kLeastEnergyPoints) {
    return fmt::format("{} points with watts can be used; three coefficients need {}",
                       points.size(), kLeastEnergyPoints);
  }
  fitted = FitPoints(points, bootstrap);
  if (!fitted || !(fitted->coefficients.condition <= kMostCondition)) {
    return fmt::format(
        "all {} points lie on one slope of the roof, where joules per byte and constant power grow "
        "alike (condition {})",
        points.size(), fitted ? fmt::format("{:.0f}", fitted->coefficients.condition) : "infinite");
  }
  const EnergyCoefficients& c = fitted->coefficients;
  if (c.max_error > kMostEnergyError) {
    return fmt::format(
        "the law misses the joules of a point by {:.0f} %, more than {:.0f} %: they are no sum of "
        "FLOP, bytes and time",
        100 * c.max_error, 100 * kMostEnergyError);
  }
  if (fitted->negative_constant_w && fitted->negative_constant_w->high < 0) {
    return fmt::format(
        "the points ask for a constant power of {:.3g} W, {:.3g} to {:.3g} at 95 %, which no chip "
        "has: their joules are no sum of FLOP, bytes and time",
        fitted->negative_constant_w->value, fitted->negative_constant_w->low,
        fitted->negative_constant_w->high);
  }
  if (fitted->least_constant_share > kMostConstantShare) {
    return fmt::format(
        "constant power swallows at least {:.0f} % of the joules at every intensity, as under a "
        "power cap",
        100 * fitted->least_constant_share);
  }
  if (std::string why = WhyNotTold("energy per FLOP", c.flop_j, 1e12, "pJ"); !why.empty()) {
    return why;
  }
  if (std::string why = WhyNotTold("energy per byte", c.byte_j, 1e12, "pJ"); !why.empty()) {
    return why;
  }
  double mean_watts = 0;
  for (const IntensityPoint& p : points) {
    mean_watts += *p.watts / static_cast<double>(points.size());
  }
  if (HalfWidth(c.constant_w) > kMostConstantHalfWidth * mean_watts) {
    return fmt::format("constant power is not told by these points: {:.3g} to {:.3g} W at 95 %",
                       c.constant_w.low, c.constant_w.high);
  }
  return {};
}

// What the points of one slope do tell: joules per FLOP, with bytes and time as one column.
std::optional<double> SlopeFlopJ(const Points& points) {
  if (points.size() < 3) return std::nullopt;
  const double flop_j = SolveLeastSquares(Design(points), kConstant).coefficients[kFlop];
  return flop_j > 0 ? std::optional(flop_j) : std::nullopt;
}

std::string Caution(const Points& slowed, const Points& full_clock,
                    std::optional<double> full_clock_flop_j) {
  double low_hz = 0;
  double high_hz = 0;
  for (const Points* list : {&slowed, &full_clock}) {
    for (const IntensityPoint& point : *list) {
      const double hz = point.clock_hz.value_or(0);
      low_hz = low_hz == 0 ? hz : std::min(low_hz, hz);
      high_hz = std::max(high_hz, hz);
    }
  }
  std::string text = fmt::format(
      "{} of {} points ran under a power cap or at another clock and are used all the same, for "
      "the "
      "other {} lie on one slope and cannot tell joules per byte from constant power; so these are "
      "means over a chip that slows down",
      slowed.size(), slowed.size() + full_clock.size(), full_clock.size());
  if (low_hz > 0) text += fmt::format(", {:.0f} to {:.0f} MHz", low_hz * 1e-6, high_hz * 1e-6);
  if (full_clock_flop_j) {
    text += fmt::format("; the points at full clock alone give {:.3g} pJ/FLOP",
                        *full_clock_flop_j * 1e12);
  }
  return text;
}

std::string NameOf(const IntensityPoint& point) {
  return point.row.empty() ? fmt::format("{:.4g} FLOP/byte", point.flop_per_byte) : point.row;
}

}  // namespace

EnergyResult FitEnergy(std::span<const IntensityPoint> points, const Bootstrap& bootstrap) {
  const std::vector<std::string> reasons = WhyLeftOut(points);
  EnergyResult result;
  Points used;
  Points slowed;  // left out for their clock or a cap, and for nothing else
  std::vector<std::string> slowed_reasons;
  for (size_t i = 0; i < points.size(); ++i) {
    const std::string left_out = fmt::format("{}: {}", NameOf(points[i]), reasons[i]);
    if (reasons[i].empty()) {
      used.push_back(points[i]);
    } else if (points[i].not_used.empty() && HasFigures(points[i])) {
      slowed.push_back(points[i]);
      slowed_reasons.push_back(left_out);
    } else {
      result.dropped.push_back(left_out);
    }
  }
  Points all = used;
  all.insert(all.end(), slowed.begin(), slowed.end());
  result.refused = WhySamePower(all);

  std::optional<Fitted> fitted;
  if (result.refused.empty()) result.refused = WhyNotTrusted(used, bootstrap, fitted);
  if (!result.refused.empty() && !slowed.empty() && WhySamePower(all).empty()) {
    std::optional<Fitted> of_all;
    const std::optional<double> full_clock_flop_j = SlopeFlopJ(used);
    if (WhyNotTrusted(all, bootstrap, of_all).empty() && full_clock_flop_j &&
        *full_clock_flop_j < kMostSlowedFactor * of_all->coefficients.flop_j.value) {
      result.refused.clear();
      result.caution = Caution(slowed, used, full_clock_flop_j);
      result.coefficients = of_all->coefficients;
      return result;
    }
    result.refused +=
        fmt::format("; {} other points ran under a power cap or at another clock", slowed.size());
  }
  result.dropped.insert(result.dropped.end(), slowed_reasons.begin(), slowed_reasons.end());
  if (result.refused.empty()) {
    result.coefficients = fitted->coefficients;
    const Interval& constant = fitted->coefficients.constant_w;
    if (HalfWidth(constant) > kSureHalfWidth * constant.value) {
      result.caution = fmt::format(
          "constant power is only told as {:.3g} to {:.3g} W; joules per FLOP and per byte carry "
          "what it does not",
          constant.low, constant.high);
    }
  }
  return result;
}

std::optional<EnergyCoefficients> FitEnergyUnjudged(std::span<const IntensityPoint> points,
                                                    const Bootstrap& bootstrap) {
  Points used;
  std::copy_if(points.begin(), points.end(), std::back_inserter(used),
               [](const IntensityPoint& p) { return p.not_used.empty() && HasFigures(p); });
  const std::optional<Fitted> fitted = FitPoints(used, bootstrap);
  if (!fitted) return std::nullopt;
  return fitted->coefficients;
}

}  // namespace wattline::roofline
