#include "roofline/gpu_calibration.h"

#include <Eigen/Dense>
#include <algorithm>
#include <set>
#include <utility>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// One published speed with all that a law needs.
struct Sample {
  Gpu gpu;
  std::string format;
  bool prefill = false;
  double vector_flop_per_s = 0;  // N f n
  Work work;
  double seconds = 0;
};

constexpr double kPrefillTokens = 512;  // of the published speeds; a decode step has one

std::vector<Sample> Samples(const GpuTables& tables, std::string_view family) {
  std::vector<Sample> samples;
  for (const PublishedSpeed& speed : tables.speeds) {
    const std::optional<Gpu> gpu = FindGpu(tables.gpus, speed.gpu, speed.cores);
    const auto work = tables.works.find(speed.format);
    if (!gpu || gpu->family != family || work == tables.works.end()) continue;
    const CoreRate* rate = FindRate(tables, gpu->generation, "vector");
    if (rate == nullptr) continue;
    samples.push_back({*gpu, speed.format, speed.prefill, PeakFlopPerS(*gpu, *rate),
                       speed.prefill ? work->second.prefill : work->second.decode,
                       (speed.prefill ? kPrefillTokens : 1) / speed.tok_per_s});
  }
  return samples;
}

double MemorySeconds(const GpuCalibration& c, const Sample& s) {
  const double factor = s.gpu.dies > 1 ? c.die_bandwidth_factor : 1;
  return s.work.byte * factor / (c.bandwidth_share * s.gpu.byte_per_s);
}

double ComputeSeconds(const GpuCalibration& c, const Sample& s) {
  const double factor = s.gpu.dies > 1 ? c.die_compute_factor : 1;
  return s.work.flop * factor / (c.compute_share.at(s.format) * s.vector_flop_per_s);
}

double LaunchSeconds(const GpuCalibration& c, const Sample& s) {
  return s.work.launches * c.launch_cycles / s.gpu.clock_hz;
}

double LawSeconds(const GpuCalibration& c, const Sample& s) {
  return MemorySeconds(c, s) + ComputeSeconds(c, s) + LaunchSeconds(c, s);
}

// e_f as the median over the prefill rows of one die, then c over those of two.
void FitCompute(GpuCalibration& c, const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<double>> shares;
  const auto share_of = [&c](const Sample& s) {
    const double compute_s = s.seconds - MemorySeconds(c, s) - LaunchSeconds(c, s);
    return s.work.flop / (s.vector_flop_per_s * std::max(compute_s, s.seconds / 2));
  };
  for (const Sample& s : samples) {
    if (s.prefill && s.gpu.dies == 1) shares[s.format].push_back(share_of(s));
  }
  for (const auto& [format, values] : shares) {
    c.compute_share[format] = std::min(1.0, Median(values).value_or(1));
  }
  std::vector<double> factors;
  for (const Sample& s : samples) {
    if (!s.prefill || s.gpu.dies == 1 || !c.compute_share.count(s.format)) continue;
    factors.push_back(c.compute_share[s.format] / share_of(s));
  }
  c.die_compute_factor = std::max(1.0, Median(factors).value_or(1));
}

// Least squares of relative errors over the decode rows: what compute leaves over is a share of
// the bus, the same on two dies, and launches.
void FitDecode(GpuCalibration& c, const std::vector<Sample>& samples) {
  std::vector<const Sample*> rows;
  bool two_dies = false;
  for (const Sample& s : samples) {
    if (s.prefill || !c.compute_share.count(s.format)) continue;
    rows.push_back(&s);
    two_dies = two_dies || s.gpu.dies > 1;
  }
  const Eigen::Index columns = two_dies ? 3 : 2;
  if (static_cast<Eigen::Index>(rows.size()) < columns) return;
  Eigen::MatrixXd design = Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), columns);
  Eigen::VectorXd left(design.rows());
  for (Eigen::Index i = 0; i < design.rows(); ++i) {
    const Sample& s = *rows[static_cast<size_t>(i)];
    design(i, s.gpu.dies > 1 ? 2 : 0) = s.work.byte / s.gpu.byte_per_s / s.seconds;
    design(i, 1) = s.work.launches / s.gpu.clock_hz / s.seconds;
    left(i) = 1 - ComputeSeconds(c, s) / s.seconds;
  }
  const Eigen::VectorXd found = design.colPivHouseholderQr().solve(left);
  const double slow = std::max(1.0, found(0));  // nobody reads faster than the bus
  c.bandwidth_share = 1 / slow;
  c.launch_cycles = std::max(0.0, found(1));
  c.die_bandwidth_factor = two_dies ? std::max(1.0, found(2) / slow) : 1;
}

GpuCalibration FitLaw(const std::vector<Sample>& samples) {
  GpuCalibration c;
  // Each half needs a little of the other's; the third round changes nothing in four digits.
  for (int round = 0; round < 4; ++round) {
    FitCompute(c, samples);
    FitDecode(c, samples);
  }
  std::set<std::string> generations;
  for (const Sample& s : samples) generations.insert(s.gpu.generation);
  c.generations.assign(generations.begin(), generations.end());
  c.rows = static_cast<int>(samples.size());
  return c;
}

// A generation that no row stands for may differ from all that were seen by as much as generations
// differ from each other; M1 and M2 are the only pair, and no interval is narrower than this.
constexpr double kLeastSlowdown = 0.10;

Interval Slowdown(std::vector<double> ratios) {
  Interval slowdown{1, 1 - kLeastSlowdown, 1 + kLeastSlowdown};
  if (ratios.size() < 3) return slowdown;
  std::sort(ratios.begin(), ratios.end());
  slowdown.low = std::min(slowdown.low, Quantile(ratios, 0.05));
  slowdown.high = std::max(slowdown.high, Quantile(ratios, 0.95));
  return slowdown;
}

// Leaves out each generation in turn, or each chip where there is one generation, and looks at what
// the rest makes of it.
void FitSlowdowns(GpuCalibration& c, const std::vector<Sample>& samples) {
  const bool by_chip = c.generations.size() < 2;
  const auto group_of = [by_chip](const Sample& s) {
    return by_chip ? s.gpu.name : s.gpu.generation;
  };
  std::set<std::string> groups;
  for (const Sample& s : samples) groups.insert(group_of(s));
  std::vector<double> prefill, decode;
  for (const std::string& group : groups) {
    std::vector<Sample> rest;
    bool two_dies = false;
    for (const Sample& s : samples) {
      if (group_of(s) == group) continue;
      rest.push_back(s);
      two_dies = two_dies || s.gpu.dies > 1;
    }
    const GpuCalibration held = FitLaw(rest);
    for (const Sample& s : samples) {
      const bool unknown = !held.compute_share.count(s.format) || (s.gpu.dies > 1 && !two_dies);
      if (group_of(s) != group || unknown) continue;
      (s.prefill ? prefill : decode).push_back(s.seconds / LawSeconds(held, s));
    }
  }
  c.prefill_slowdown = Slowdown(std::move(prefill));
  c.decode_slowdown = Slowdown(std::move(decode));
}

}  // namespace

const CoreRate* FindRate(const GpuTables& tables, std::string_view generation,
                         std::string_view unit) {
  for (const CoreRate& rate : tables.rates) {
    if (rate.generation == generation && rate.unit == unit) return &rate;
  }
  return nullptr;
}

double PeakFlopPerS(const Gpu& gpu, const CoreRate& rate) {
  return gpu.cores * gpu.clock_hz * rate.flop_per_cycle;
}

GpuCalibration CalibrateGpus(const GpuTables& tables, std::string_view family,
                             std::string_view left_out_generation) {
  std::vector<Sample> samples;
  for (Sample& s : Samples(tables, family)) {
    if (s.gpu.generation != left_out_generation) samples.push_back(std::move(s));
  }
  if (samples.empty()) return {};
  GpuCalibration c = FitLaw(samples);
  FitSlowdowns(c, samples);
  return c;
}

std::optional<Gpu> FindGpu(const std::vector<Gpu>& gpus, std::string_view name,
                           std::optional<int> cores) {
  const Gpu* largest = nullptr;
  for (const Gpu& gpu : gpus) {
    if (!SameName(gpu.name, name)) continue;
    if (!cores || gpu.cores == *cores) return gpu;
    if (largest == nullptr) largest = &gpu;
  }
  if (largest == nullptr) return std::nullopt;
  Gpu gpu = *largest;
  gpu.cores = *cores;
  return gpu;
}

}  // namespace wattline::roofline
