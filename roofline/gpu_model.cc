#include "roofline/gpu_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace wattline::roofline {
namespace {

// Where a family has no published speeds: what kernels usually reach of a datasheet. Stated as such
// in the prediction.
constexpr Interval kUsualBandwidthShare{0.7, 0.5, 0.9};
constexpr Interval kUsualComputeShare{0.5, 0.25, 0.75};

void ModelUncalibrated(const Gpu& gpu, const GpuTables& tables, MachineModel& model) {
  const CoreRate* matrix = FindRate(tables, gpu.generation, "matrix");
  const CoreRate* rate = matrix != nullptr ? matrix : FindRate(tables, gpu.generation, "vector");
  const double peak = rate == nullptr ? 0 : PeakFlopPerS(gpu, *rate);
  const auto law = [&](double compute, double bandwidth) {
    return SpeedLaw{peak * compute, gpu.byte_per_s * bandwidth, 0, 1};
  };
  PassModel& pass = model.prefill;
  pass.expected = law(kUsualComputeShare.value, kUsualBandwidthShare.value);
  pass.slowest = law(kUsualComputeShare.low, kUsualBandwidthShare.low);
  pass.fastest = law(kUsualComputeShare.high, kUsualBandwidthShare.high);
  pass.limit = law(1, 1);
  pass.limit.sharpness = HUGE_VAL;
  model.decode = pass;
  model.calibration = fmt::format(
      "no published speeds of this family: {:.0f} to {:.0f} % of the bus and {:.0f} to {:.0f} % of "
      "the peak are assumed",
      kUsualBandwidthShare.low * 100, kUsualBandwidthShare.high * 100, kUsualComputeShare.low * 100,
      kUsualComputeShare.high * 100);
}

// Mean over generations of what a measurement reached; absent where none was measured.
std::optional<double> MeanShare(const GpuTables& tables, const std::vector<std::string>& names,
                                std::optional<double> CoreRate::*share) {
  double sum = 0;
  int count = 0;
  for (const std::string& name : names) {
    const CoreRate* rate = FindRate(tables, name, "vector");
    if (rate == nullptr || !(rate->*share)) continue;
    sum += *(rate->*share);
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

// How much less of its rates a generation may reach than those that calibrate: what measurements of
// both say, or the worst that was measured of any where nobody measured this one. At most 1.
double Doubt(const GpuTables& tables, const std::string& generation, const GpuCalibration& c,
             std::optional<double> CoreRate::*share) {
  const std::optional<double> others = MeanShare(tables, c.generations, share);
  std::optional<double> own = MeanShare(tables, {generation}, share);
  if (!own) {
    for (const CoreRate& rate : tables.rates) {
      if (rate.unit == "vector" && rate.*share) own = std::min(own.value_or(1), *(rate.*share));
    }
  }
  return own && others ? std::min(1.0, *own / *others) : 1.0;
}

std::string Shares(const GpuCalibration& c) {
  std::string text;
  for (const auto& [format, share] : c.compute_share) {
    text += fmt::format(", {} {:.1f} %", format, share * 100);
  }
  return text;
}

// The rows, and the law's coefficients as they are on this GPU.
std::string Sentence(const GpuCalibration& c, const SpeedLaw& law) {
  return fmt::format(
      "{} published rows of llama-2-7b on {} chips: {:.1f} % of the bus, {:.0f} us a "
      "layer; of the cores' FLOP{}",
      c.rows, fmt::join(c.generations, " and "), c.bandwidth_share * 100, law.launch_s * 1e6,
      Shares(c));
}

}  // namespace

// Of Apple's, what Metal recommends as the largest working set: 2/3 of 32 GB (llama.cpp pull
// request 2011: 21845 of 32768 x 2^20 byte), 3/4 of 64 GB (llama.cpp issue 1870: models above 47 GB
// fail). The step lies at 36 GB. `sysctl iogpu.wired_limit_mb` raises it; newer systems allow a
// little less than 3/4 of 16 GB too (AlexsJones/llmfit pull request 754).
double UsableByte(std::string_view family, double memory_byte) {
  constexpr double kStepByte = 36.0 * 1024 * 1024 * 1024;
  if (family != "apple") return memory_byte;
  return memory_byte <= kStepByte ? memory_byte * 2 / 3 : memory_byte * 3 / 4;
}

MachineModel ModelGpu(const Gpu& gpu, const GpuTables& tables, const std::string& format,
                      std::optional<double> memory_byte) {
  MachineModel model;
  model.name = fmt::format("{} ({} GPU cores)", gpu.name, gpu.cores);
  const std::optional<double> whole_byte = memory_byte ? memory_byte : gpu.memory_byte;
  if (whole_byte) model.usable_byte = UsableByte(gpu.family, *whole_byte);
  const GpuCalibration c = CalibrateGpus(tables, gpu.family, gpu.generation);
  const CoreRate* vector = FindRate(tables, gpu.generation, "vector");
  if (!c.compute_share.count(format) || vector == nullptr) {
    ModelUncalibrated(gpu, tables, model);
    return model;
  }

  const double die_compute = gpu.dies > 1 ? c.die_compute_factor : 1;
  const double die_bandwidth = gpu.dies > 1 ? c.die_bandwidth_factor : 1;
  const double vector_peak = PeakFlopPerS(gpu, *vector);
  SpeedLaw law;
  law.flop_per_s = vector_peak * c.compute_share.at(format) / die_compute;
  law.byte_per_s = gpu.byte_per_s * c.bandwidth_share / die_bandwidth;
  law.launch_s = c.launch_cycles / gpu.clock_hz;
  SpeedLaw slowest = law;
  slowest.flop_per_s *= Doubt(tables, gpu.generation, c, &CoreRate::measured_gemm_share);
  slowest.byte_per_s *= Doubt(tables, gpu.generation, c, &CoreRate::measured_bandwidth_share);
  const SpeedLaw limit{vector_peak, gpu.byte_per_s, 0, HUGE_VAL};
  model.decode = {law, slowest, law, limit, c.decode_slowdown};
  model.prefill = {law, slowest, law, limit, c.prefill_slowdown};
  model.calibration = Sentence(c, law);

  // Units of their own for matrix products multiply; the lanes still unpack what is packed, which
  // costs them what it cost in the calibrating generations beyond f16.
  const CoreRate* matrix = FindRate(tables, gpu.generation, "matrix");
  if (matrix != nullptr && c.compute_share.count("f16")) {
    const double matrix_peak = PeakFlopPerS(gpu, *matrix);
    const double product = 1 / (matrix_peak * c.compute_share.at("f16"));
    const double unpack =
        std::max(0.0, 1 / c.compute_share.at(format) - 1 / c.compute_share.at("f16")) / vector_peak;
    model.prefill.expected.flop_per_s = 1 / (product + unpack) / die_compute;
    model.prefill.fastest.flop_per_s = 1 / product / die_compute;
    model.prefill.limit.flop_per_s = matrix_peak;
    model.remarks.push_back(fmt::format(
        "prefill is expected with the matrix units of {} (llama.cpp uses them by default, MLX of "
        "early 2026 did not); its low end is without them",
        gpu.generation));
  }
  const bool listed = std::any_of(tables.gpus.begin(), tables.gpus.end(), [&gpu](const Gpu& other) {
    return other.name == gpu.name && other.cores == gpu.cores;
  });
  if (!listed) {
    model.remarks.push_back(
        fmt::format("no {} with {} cores is in the table: the bus and memory are "
                    "those of its largest variant",
                    gpu.name, gpu.cores));
  }
  if (gpu.dies > 1 && c.die_bandwidth_factor == 1) {
    model.remarks.push_back("what two dies cost could not be calibrated and is taken as nothing");
  }
  return model;
}

}  // namespace wattline::roofline
