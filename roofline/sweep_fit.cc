#include "roofline/sweep_fit.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <unsupported/Eigen/NonLinearOptimization>
#include <vector>

namespace wattline::roofline {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// ln P, ln B, ln p: positive whatever the solver tries.
enum Parameter : int { kPeak, kBandwidth, kSharpness, kParameters };

constexpr double kLeastSharpness = 0.1;

// Of one point: ln attained and its derivatives. With a = ln P, b = ln(B I) and d = |a - b|,
// ln attained = min(a, b) - ln(1 + exp(-p d)) / p.
struct LawAt {
  double log_attained = 0;
  double derivative[kParameters] = {};
};
LawAt Law(double log_peak, double log_bandwidth, double log_sharpness, double log_intensity) {
  const double p = std::exp(std::clamp(log_sharpness, std::log(0.1), std::log(kMostSharpness)));
  const double a = log_peak;
  const double b = log_bandwidth + log_intensity;
  const double d = std::abs(a - b);
  const double e = std::exp(-p * d);
  const double bend = std::log1p(e) / p;
  const double share_of_larger = e / (1 + e);
  LawAt law;
  law.log_attained = std::min(a, b) - bend;
  law.derivative[kPeak] = a < b ? 1 - share_of_larger : share_of_larger;
  law.derivative[kBandwidth] = 1 - law.derivative[kPeak];
  law.derivative[kSharpness] = bend + d * share_of_larger;
  return law;
}

struct Data {
  VectorXd log_intensity;
  VectorXd log_speed;
  int count() const { return static_cast<int>(log_intensity.size()); }
};

Data DataOf(std::span<const IntensityPoint> points) {
  std::vector<std::pair<double, double>> used;
  for (const IntensityPoint& point : points) {
    if (!point.not_used.empty()) continue;
    if (!(point.flop_per_byte > 0 && std::isfinite(point.flop_per_byte))) continue;
    if (!(point.flop_per_s > 0 && std::isfinite(point.flop_per_s))) continue;
    used.emplace_back(std::log(point.flop_per_byte), std::log(point.flop_per_s));
  }
  std::sort(used.begin(), used.end());
  Data data{VectorXd(used.size()), VectorXd(used.size())};
  for (size_t i = 0; i < used.size(); ++i) {
    data.log_intensity[static_cast<int>(i)] = used[i].first;
    data.log_speed[static_cast<int>(i)] = used[i].second;
  }
  return data;
}

// The parameters that are free; the others keep the values that they start with.
struct Free {
  int first = 0;
  int count = kParameters;
};
constexpr Free kAll{0, kParameters};
constexpr Free kPeakAndBandwidth{kPeak, 2};
constexpr Free kOnlySharpness{kSharpness, 1};

// What Eigen's solver calls: residuals fitted - measured, and their derivatives.
struct Residuals {
  const Data& data;
  const VectorXd& log_speed;
  VectorXd start;
  Free free;

  int inputs() const { return free.count; }
  int values() const { return data.count(); }
  VectorXd All(const VectorXd& x) const {
    VectorXd all = start;
    all.segment(free.first, free.count) = x;
    return all;
  }
  int operator()(const VectorXd& x, VectorXd& residual) const {
    const VectorXd all = All(x);
    for (int i = 0; i < data.count(); ++i) {
      residual[i] = Law(all[0], all[1], all[2], data.log_intensity[i]).log_attained - log_speed[i];
    }
    return 0;
  }
  int df(const VectorXd& x, MatrixXd& jacobian) const {
    const VectorXd all = All(x);
    for (int i = 0; i < data.count(); ++i) {
      const LawAt law = Law(all[0], all[1], all[2], data.log_intensity[i]);
      for (int j = 0; j < free.count; ++j) jacobian(i, j) = law.derivative[free.first + j];
    }
    return 0;
  }
};

struct Solution {
  VectorXd parameters;
  VectorXd residual;
};

Solution SolveLaw(const Data& data, const VectorXd& log_speed, const VectorXd& start, Free free) {
  Residuals residuals{data, log_speed, start, free};
  Eigen::LevenbergMarquardt<Residuals> solver(residuals);
  VectorXd x = start.segment(free.first, free.count);
  solver.minimize(x);
  Solution solution{residuals.All(x), VectorXd(data.count())};
  residuals(x, solution.residual);
  double& sharpness = solution.parameters[kSharpness];
  sharpness = std::clamp(sharpness, std::log(kLeastSharpness), std::log(kMostSharpness));
  return solution;
}

// From a soft, a middling and a sharp corner: the sum of squares is flat far from the right one.
Solution BestSolution(const Data& data, double log_peak, double log_bandwidth, Free free) {
  Solution best;
  for (double p : {1.2, 3.0, 10.0}) {
    VectorXd start(int{kParameters});
    start << log_peak, log_bandwidth, std::log(p);
    Solution tried = SolveLaw(data, data.log_speed, start, free);
    if (best.residual.size() == 0 || tried.residual.norm() < best.residual.norm()) best = tried;
  }
  return best;
}

double Rms(const VectorXd& residual) {
  return std::sqrt(residual.squaredNorm() / static_cast<double>(residual.size()));
}

double StraightRms(const Data& data, double log_peak, double log_bandwidth) {
  const VectorXd straight = (data.log_intensity.array() + log_bandwidth).min(log_peak);
  return Rms(straight - data.log_speed);
}

// d ln(speed) / d ln(intensity) over the three points at an end, or more until they span a factor
// of two: 1 where bandwidth is the limit, 0 where the peak is.
double EndSlope(const Data& data, bool high_end) {
  const int count = data.count();
  int near = 3;
  const auto at = [&](int i) { return high_end ? count - 1 - i : i; };
  while (near < count &&
         std::abs(data.log_intensity[at(near - 1)] - data.log_intensity[at(0)]) < std::log(2.0)) {
    ++near;
  }
  double mean_x = 0;
  double mean_y = 0;
  for (int i = 0; i < near; ++i) {
    mean_x += data.log_intensity[at(i)] / near;
    mean_y += data.log_speed[at(i)] / near;
  }
  double xy = 0;
  double xx = 0;
  for (int i = 0; i < near; ++i) {
    const double x = data.log_intensity[at(i)] - mean_x;
    xy += x * (data.log_speed[at(i)] - mean_y);
    xx += x * x;
  }
  return xx > 0 ? xy / xx : 0;
}

// Slopes beyond these tell a side apart from the corner: where p = 1, they are reached at 2/3 and
// 3/2 of the ridge.
constexpr double kMemorySlope = 0.6;
constexpr double kComputeSlope = 0.4;

std::string WhyRefused(const Data& data, size_t given) {
  if (data.count() < kLeastSweepPoints) {
    return fmt::format("{} of {} points can be used; a fit of P, B and p needs {}", data.count(),
                       given, kLeastSweepPoints);
  }
  const double first = std::exp(data.log_intensity[0]);
  const double last = std::exp(data.log_intensity[data.count() - 1]);
  const double memory_slope = EndSlope(data, false);
  const double compute_slope = EndSlope(data, true);
  if (memory_slope < kMemorySlope) {
    return fmt::format(
        "the sweep never reaches the bandwidth: at {:.3g} FLOP/byte, its first point, the speed "
        "grows with the intensity to the power of {:.2f} only; it has to begin lower",
        first, memory_slope);
  }
  if (compute_slope > kComputeSlope) {
    return fmt::format(
        "the sweep never reaches the peak: at {:.3g} FLOP/byte, its last point, the speed still "
        "grows with the intensity to the power of {:.2f}; it has to go on higher",
        last, compute_slope);
  }
  return {};
}

// Resamples do not leave a plain where the sum of squares is flat in p, as it is without points
// near the ridge. So the interval also holds every p with which P and B alone fit nearly as well: a
// sum of squares of at most 1 + t^2 / (points - parameters) times the least.
Interval Widened(Interval sharpness, const Data& data, const Solution& best) {
  const int freedom = data.count() - kParameters;
  const double t = StudentT975(freedom);
  const double most = best.residual.squaredNorm() * (1 + t * t / freedom);
  for (double p = 0.5; p <= kMostSharpness; p *= 1.1) {
    VectorXd start = best.parameters;
    start[kSharpness] = std::log(p);
    if (SolveLaw(data, data.log_speed, start, kPeakAndBandwidth).residual.squaredNorm() > most) {
      continue;
    }
    sharpness.low = std::min(sharpness.low, p);
    sharpness.high = std::max(sharpness.high, p);
  }
  // The last step but one of the grid: nothing above it was tried.
  if (sharpness.high >= kMostSharpness / 1.1) sharpness.high = kMostSharpness;
  return sharpness;
}

double CornerShare(double sharpness) { return std::pow(2.0, -1 / sharpness); }

// The most that the corner's share of P may be uncertain by.
constexpr double kMostCornerWidth = 0.2;

void SetSharpness(const Interval& sharpness, SweepFit& fit) {
  const double low = CornerShare(sharpness.low);
  const double high = CornerShare(sharpness.high);
  if (high - low > kMostCornerWidth) {
    fit.sharpness_unknown = fmt::format(
        "the points do not tell how far the corner sags: {:.0f} to {:.0f} % of P are all possible "
        "at the ridge",
        100 * low, 100 * high);
    fit.rms_error = fit.rms_error_straight;
    return;
  }
  fit.sharpness = sharpness;
  fit.corner_share = CornerShare(sharpness.value);
}

}  // namespace

SweepFit FitSweep(std::span<const IntensityPoint> points, const Bootstrap& bootstrap) {
  const Data data = DataOf(points);
  SweepFit fit;
  fit.refused = WhyRefused(data, points.size());
  if (!fit.refused.empty()) return fit;

  const Solution best = BestSolution(data, data.log_speed.maxCoeff(),
                                     (data.log_speed - data.log_intensity).maxCoeff(), kAll);
  const VectorXd fitted = data.log_speed + best.residual;
  MatrixXd jacobian(data.count(), int{kParameters});
  Residuals{data, data.log_speed, best.parameters, kAll}.df(best.parameters, jacobian);
  const VectorXd leverage =
      Eigen::JacobiSVD<MatrixXd>(jacobian, Eigen::ComputeThinU).matrixU().rowwise().squaredNorm();

  // From a corner as good as straight no slope leads back to a softer one.
  VectorXd start = best.parameters;
  start[kSharpness] = std::min(start[kSharpness], std::log(8.0));
  NormalDraws draw(bootstrap.seed);
  std::vector<double> peaks, bandwidths, ridges, sharpnesses;
  for (int b = 0; b < bootstrap.resamples; ++b) {
    VectorXd log_speed = fitted;
    for (int i = 0; i < data.count(); ++i) {
      log_speed[i] += WildResidual(best.residual[i], leverage[i]) * draw();
    }
    const VectorXd again = SolveLaw(data, log_speed, start, kAll).parameters;
    peaks.push_back(std::exp(again[kPeak]));
    bandwidths.push_back(std::exp(again[kBandwidth]));
    ridges.push_back(std::exp(again[kPeak] - again[kBandwidth]));
    sharpnesses.push_back(std::exp(again[kSharpness]));
  }

  const double log_peak = best.parameters[kPeak];
  const double log_bandwidth = best.parameters[kBandwidth];
  const int freedom = data.count() - kParameters;
  fit.peak_flop_per_s = LogBootstrapInterval(std::exp(log_peak), peaks, freedom);
  fit.byte_per_s = LogBootstrapInterval(std::exp(log_bandwidth), bandwidths, freedom);
  fit.ridge_flop_per_byte =
      LogBootstrapInterval(std::exp(log_peak - log_bandwidth), ridges, freedom);
  fit.rms_error = Rms(best.residual);
  fit.rms_error_straight = StraightRms(data, log_peak, log_bandwidth);
  Interval sharpness =
      LogBootstrapInterval(std::exp(best.parameters[kSharpness]), sharpnesses, freedom);
  sharpness = Widened(sharpness, data, best);
  SetSharpness(sharpness, fit);
  return fit;
}

SharpnessFit FitSharpness(std::span<const IntensityPoint> points, double peak_flop_per_s,
                          double byte_per_s) {
  const Data data = DataOf(points);
  if (data.count() == 0) return {};
  const double log_peak = std::log(peak_flop_per_s);
  const double log_bandwidth = std::log(byte_per_s);
  const Solution best = BestSolution(data, log_peak, log_bandwidth, kOnlySharpness);
  return {std::exp(best.parameters[kSharpness]), Rms(best.residual),
          StraightRms(data, log_peak, log_bandwidth)};
}

}  // namespace wattline::roofline
