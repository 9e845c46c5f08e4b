// The NVML meter on a real GPU: `build/tests/nvml_check [--repetitions=10] [--seconds=3]`
//
// How its counter ticks, whether reading disturbs it, and, under a compute-bound and a memory-bound
// load, its joules against the integral of instant power that a thread of its own samples. Exit
// code 0: within 2 % and a coefficient of variation under 1 %; 3: not so; 1: something failed;
// 77: there is no GPU here. `--print_ptx` shows the kernels (ptxas -arch=sm_90 can check them).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "energy/nvml.h"
#include "energy/nvml_library.h"
#include "tests/device/cuda_kernels.h"
#include "tests/device/cuda_load.h"
#include "tests/device/power_sampler.h"

namespace wattline::device {
namespace {

using energy::Meter;
using energy::NvmlLibrary;
using energy::Reading;
using energy::SecondsBetween;

constexpr double kAgreement = 0.02;      // counter against integral
constexpr double kRepeatability = 0.01;  // cv of the joules of the same work
constexpr double kSettle_s = 1.0;        // of a load's power, before it is measured
constexpr double kSample_s = 0.01;       // between two samples of power, the call itself left out
constexpr double kPoll_s = 0.05;         // between two readings in a window, as in a benchmark
constexpr double kLongestTick_s = 1.0;
constexpr double kLongestGap_s = 0.25;  // between two samples

TimePoint Now() { return energy::RealClock().Now(); }
double Since(TimePoint start) { return SecondsBetween(start, Now()); }
void Sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

template <typename... Args>
void Print(fmt::format_string<Args...> text, Args&&... args) {
  fmt::print(text, std::forward<Args>(args)...);
  std::fflush(stdout);
}

double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Standard deviation of the sample over its mean.
double Variation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1)) / mean;
}

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// A change of the counter: it happened within `blur_s` of `at`.
struct Tick {
  TimePoint at;
  double blur_s = 0;
  Reading reading;
};

std::optional<Tick> NextTick(Meter& meter) {
  const TimePoint start = Now();
  Reading previous = meter.Read();
  while (Since(start) < kLongestTick_s) {
    Reading now = meter.Read();
    const std::optional<double> gained_j = energy::Difference(previous, now, 0);
    if (gained_j && *gained_j != 0) {
      const double width_s = SecondsBetween(previous.before, now.after);
      const auto half = (now.after - previous.before) / 2;
      return Tick{previous.before + half, width_s / 2, std::move(now)};
    }
    previous = std::move(now);
  }
  return std::nullopt;
}

struct EnergyWindow {
  TimePoint begin;
  TimePoint end;
  double joules = 0;
  double err_j = 0;  // of the instants of both ticks and the counter's step

  double seconds() const { return SecondsBetween(begin, end); }
  double watts() const { return joules / seconds(); }
};

// From a tick to the first one after `seconds`; the counter is read each `poll_s` in between.
std::optional<EnergyWindow> MeasureAtTicks(Meter& meter, double seconds, double poll_s) {
  const std::optional<Tick> first = NextTick(meter);
  if (!first) return std::nullopt;
  while (Since(first->at) + poll_s < seconds) {
    meter.Read();
    if (poll_s > 0) Sleep(poll_s);
  }
  if (const double rest_s = seconds - Since(first->at); rest_s > 0) Sleep(rest_s);
  const std::optional<Tick> last = NextTick(meter);
  if (!last) return std::nullopt;
  const std::optional<double> joules = energy::Difference(first->reading, last->reading, 0);
  if (!joules) return std::nullopt;
  EnergyWindow window{first->at, last->at, *joules, 0};
  window.err_j = window.watts() * (first->blur_s + last->blur_s) + 2e-3;
  return window;
}

// --- what the driver's functions do

struct Nvml {
  std::shared_ptr<const NvmlLibrary> library;
  energy::NvmlDevice device = nullptr;
  int index = 0;
};

std::string FieldText(const NvmlLibrary& nvml, const NvmlLibrary::Field& read, const char* unit) {
  return read.status == energy::kNvmlSuccess ? fmt::format("{:.0f} {}", read.value, unit)
                                             : nvml.Explain(read.status);
}

// The first readings after nvmlInit, which is what a 0 among them would be told from.
void ShowFirstReadings(const Nvml& nvml) {
  const TimePoint start = Now();
  for (int i = 0; i < 4; ++i) {
    unsigned long long energy_mj = 0;
    const int energy_status = nvml.library->total_energy_mj(nvml.device, &energy_mj);
    const auto power =
        nvml.library->ReadField(nvml.device, energy::kNvmlInstantPower_mw, energy::NvmlScope::kGpu);
    unsigned mean_mw = 0;
    const int mean_status = nvml.library->power_usage_mw != nullptr
                                ? nvml.library->power_usage_mw(nvml.device, &mean_mw)
                                : energy::kNvmlFunctionNotFound;
    Print(
        "  {:6.1f} ms after nvmlInit: energy {} mJ (status {}), field 186 {}, power usage {} mW "
        "(status {})\n",
        Since(start) * 1e3, energy_mj, energy_status, FieldText(*nvml.library, power, "mW"),
        mean_mw, mean_status);
    Sleep(0.05);
  }
}

// Whether the driver's stamp tells when a value was taken, or when it was asked for.
void WatchField(const Nvml& nvml, unsigned field, energy::NvmlScope scope, const char* what) {
  constexpr double kWatch_s = 1.5;
  std::vector<double> costs_s;
  std::vector<double> ages_s;
  std::vector<double> periods_s;
  int stamps = 0;
  std::optional<NvmlLibrary::Field> previous;
  std::optional<TimePoint> changed;
  const TimePoint start = Now();
  while (Since(start) < kWatch_s) {
    const TimePoint before = Now();
    const NvmlLibrary::Field now = nvml.library->ReadField(nvml.device, field, scope);
    costs_s.push_back(Since(before));
    if (now.status != energy::kNvmlSuccess) {
      Print("  field {} ({}): {}\n", field, what, nvml.library->Explain(now.status));
      return;
    }
    const auto wall_us = std::chrono::duration_cast<std::chrono::microseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
    ages_s.push_back(static_cast<double>(wall_us - now.stamp_us) * 1e-6);
    if (previous && now.stamp_us != previous->stamp_us) ++stamps;
    if (previous && now.value != previous->value) {
      if (changed) periods_s.push_back(Since(*changed));
      changed = Now();
    }
    previous = now;
  }
  Print(
      "  field {} ({}): {} reads of {:.3f} ms, {} changes each {:.1f} ms, {} new stamps, "
      "age of the stamp {:.2f} to {:.2f} ms\n",
      field, what, costs_s.size(), Quantile(costs_s, 0.5) * 1e3, periods_s.size() + 1,
      Quantile(periods_s, 0.5) * 1e3, stamps, Quantile(ages_s, 0.05) * 1e3,
      Quantile(ages_s, 0.95) * 1e3);
}

// Reads without pause: tick, step and cost as they are.
bool WatchCounter(Meter& meter) {
  constexpr double kWatch_s = 3.0;
  std::vector<double> costs_s;
  std::vector<double> ticks_s;
  long long divisor_mj = 0;
  double smallest_j = 0;
  std::optional<TimePoint> last;
  Reading previous = meter.Read();
  const TimePoint start = Now();
  while (Since(start) < kWatch_s) {
    Reading now = meter.Read();
    costs_s.push_back(SecondsBetween(now.before, now.after));
    const std::optional<double> gained_j = energy::Difference(previous, now, 0);
    if (gained_j && *gained_j != 0) {
      if (last) ticks_s.push_back(SecondsBetween(*last, now.after));
      last = now.after;
      divisor_mj = std::gcd(divisor_mj, std::llround(*gained_j * 1e3));
      smallest_j = smallest_j == 0 ? *gained_j : std::min(smallest_j, *gained_j);
    }
    previous = std::move(now);
  }
  if (ticks_s.empty()) {
    Print("  the counter did not tick in {} s\n", kWatch_s);
    return false;
  }
  Print(
      "  tick {:.2f} ms (5 % {:.2f}, 95 % {:.2f}, {} ticks), steps are multiples of {} mJ, the "
      "smallest {:.3f} J, a read takes {:.3f} ms (95 % {:.3f})\n",
      Quantile(ticks_s, 0.5) * 1e3, Quantile(ticks_s, 0.05) * 1e3, Quantile(ticks_s, 0.95) * 1e3,
      ticks_s.size(), divisor_mj, smallest_j, Quantile(costs_s, 0.5) * 1e3,
      Quantile(costs_s, 0.95) * 1e3);
  return true;
}

// Some have seen the counter fall behind where it is read often: the same load, read more and less.
bool CompareReadRates(Meter& meter, double seconds) {
  Print("does reading disturb the counter? the same load, {:.1f} s each\n", seconds);
  for (const auto& [what, poll_s] : {std::pair<const char*, double>{"only at both ends", seconds},
                                     {"without pause", 0},
                                     {"each 50 ms", kPoll_s},
                                     {"only at both ends", seconds},
                                     {"without pause", 0}}) {
    const std::optional<EnergyWindow> window = MeasureAtTicks(meter, seconds, poll_s);
    if (!window) return false;
    Print("  read {:<17}  {:8.2f} W  +- {:.2f}\n", what, window->watts(),
          window->err_j / window->seconds());
  }
  return true;
}

// --- counter against integral

struct Summary {
  bool complete = false;
  std::vector<double> ratios;    // counter over integral
  std::vector<double> per_work;  // J per FLOP or byte
  std::vector<double> watts;
  std::vector<double> rates;  // FLOP or bytes per second
};

Summary Compare(CudaGpu& gpu, Meter& meter, const Nvml& nvml, Load load, int repetitions,
                double seconds) {
  const char* unit = load == Load::kCompute ? "TFLOP/s" : "GB/s";
  const char* per = load == Load::kCompute ? "pJ/FLOP" : "pJ/B";
  const double scale = load == Load::kCompute ? 1e-12 : 1e-9;
  Print("\n{:>3} {:>7} {:>11} {:>9} {:>11} {:>9} {:>8} {:>9} {:>9}\n", "", "s", "counter J", "+- J",
        "integral J", "ratio", "W", unit, per);
  Summary summary;
  for (int repetition = 1; repetition <= repetitions; ++repetition) {
    std::optional<EnergyWindow> window;
    std::vector<PowerSample> samples;
    std::optional<double> work;
    {
      RunningLoad running(gpu, load);
      Sleep(kSettle_s);
      const PowerSampler sampler(nvml.library, nvml.device, kSample_s);
      Sleep(0.1);
      window = MeasureAtTicks(meter, seconds, kPoll_s);
      Sleep(0.1);  // a sample and a launch end after the window
      samples = sampler.Samples();
      if (window) work = running.WorkBetween(window->begin, window->end);
      running.Stop();
    }
    if (!gpu.fault().empty()) {
      Print("the load failed: {}\n", gpu.fault());
      return summary;
    }
    if (!window || !work) {
      Print("repetition {}: {}\n", repetition,
            window ? "the load did not run throughout" : "the counter did not tick");
      return summary;
    }
    const std::optional<double> integral_j =
        IntegrateJoules(samples, window->begin, window->end, kLongestGap_s);
    if (!integral_j) {
      Print("repetition {}: {} samples of power do not cover the window\n", repetition,
            samples.size());
      return summary;
    }
    summary.ratios.push_back(window->joules / *integral_j);
    summary.per_work.push_back(window->joules / *work);
    summary.watts.push_back(window->watts());
    summary.rates.push_back(*work / window->seconds());
    Print("{:>3} {:7.3f} {:11.3f} {:9.3f} {:11.3f} {:9.5f} {:8.2f} {:9.2f} {:9.4f}\n", repetition,
          window->seconds(), window->joules, window->err_j, *integral_j, summary.ratios.back(),
          summary.watts.back(), summary.rates.back() * scale, summary.per_work.back() * 1e12);
  }
  summary.complete = true;
  return summary;
}

// Whether it passes.
bool Judge(const char* name, const Summary& summary) {
  double worst = 0;
  for (const double ratio : summary.ratios) {
    if (std::abs(ratio - 1) > std::abs(worst)) worst = ratio - 1;
  }
  const double cv = Variation(summary.per_work);
  const bool passes = summary.complete && std::abs(worst) < kAgreement && cv < kRepeatability;
  Print(
      "{:<8} counter against integral: mean {:+.3f} %, worst {:+.3f} % (limit 2 %); joules of the "
      "same work: cv {:.3f} % (limit 1 %); power: cv {:.3f} %; {}\n",
      name, (Mean(summary.ratios) - 1) * 100, worst * 100, cv * 100, Variation(summary.watts) * 100,
      passes ? "passes" : "FAILS");
  return passes;
}

// --- the program

struct Options {
  int repetitions = 10;
  double seconds = 3;
  bool print_ptx = false;
};

std::optional<Options> Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view text = argv[i];
    const size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : text.substr(equals + 1));
    if (text == "--print_ptx") {
      options.print_ptx = true;
    } else if (name == "--repetitions" && std::atoi(value.c_str()) > 0) {
      options.repetitions = std::atoi(value.c_str());
    } else if (name == "--seconds" && std::atof(value.c_str()) > 0) {
      options.seconds = std::atof(value.c_str());
    } else {
      fmt::print(stderr,
                 "nvml_check: {}: not understood; [--repetitions=10] [--seconds=3] "
                 "[--print_ptx]\n",
                 text);
      return std::nullopt;
    }
  }
  return options;
}

// NVML's handle of the GPU that CUDA computes on; nothing where there is none.
bool FindGpu(Nvml& nvml, const std::string& uuid) {
  unsigned count = 0;
  if (nvml.library->device_count(&count) != energy::kNvmlSuccess) return false;
  for (unsigned i = 0; i < count; ++i) {
    std::array<char, 96> text{};
    if (nvml.library->device_by_index(i, &nvml.device) != energy::kNvmlSuccess) continue;
    if (nvml.library->device_uuid(nvml.device, text.data(), text.size()) != energy::kNvmlSuccess) {
      continue;
    }
    nvml.index = static_cast<int>(i);
    if (uuid == text.data()) return true;
  }
  return false;
}

int Run(const Options& options) {
  OpenedGpu opened = OpenGpu();
  if (!opened.gpu) {
    Print("nvml_check: {}\n", opened.why_not);
    return opened.absent ? 77 : 1;
  }
  CudaGpu& gpu = *opened.gpu;
  Print("{}, {} multiprocessors, {}, {}\n", gpu.name(), gpu.multiprocessors(), gpu.capability(),
        gpu.uuid());

  const energy::LoadedNvml loaded = energy::LoadNvml(energy::MeterOptions().nvml_library);
  if (!loaded.library) {
    Print("nvml_check: {}\n", loaded.why_not);
    return 1;
  }
  Nvml nvml{loaded.library};
  if (!FindGpu(nvml, gpu.uuid())) {
    Print("nvml_check: NVML has no GPU {}\n", gpu.uuid());
    return 1;
  }
  ShowFirstReadings(nvml);
  energy::MeterOptions meter_options;
  meter_options.gpus = {nvml.index};
  const energy::Opened meter = energy::OpenNvml(meter_options);
  if (!meter.meter) {
    Print("nvml_check: {}\n", meter.why_not);
    return 1;
  }
  Print("{}\n", energy::Describe(meter.meter->info()));

  const std::string wrong = gpu.CheckLoads();
  Print("loads checked against the same arithmetic on the CPU: {}; buffer {:.3f} GB\n",
        wrong.empty() ? "equal" : wrong, gpu.buffer_byte() * 1e-9);
  if (!gpu.fault().empty()) return 1;

  {
    Print("under the compute load:\n");
    const RunningLoad running(gpu, Load::kCompute);
    Sleep(kSettle_s);
    if (!WatchCounter(*meter.meter)) return 1;
    WatchField(nvml, energy::kNvmlTotalEnergy_mj, energy::NvmlScope::kGpu, "energy");
    WatchField(nvml, energy::kNvmlScopedEnergy_mj, energy::NvmlScope::kGpu, "energy of a scope");
    WatchField(nvml, energy::kNvmlInstantPower_mw, energy::NvmlScope::kGpu, "instant power");
    WatchField(nvml, energy::kNvmlInstantPower_mw, energy::NvmlScope::kModule, "module's power");
    const std::optional<double> watts = meter.meter->InstantWatts();
    Print("  instant power by the meter: {}\n", watts ? fmt::format("{:.2f} W", *watts) : "absent");
    if (!CompareReadRates(*meter.meter, options.seconds)) return 1;
  }
  if (!gpu.fault().empty()) {
    Print("nvml_check: the load failed: {}\n", gpu.fault());
    return 1;
  }
  const Summary compute =
      Compare(gpu, *meter.meter, nvml, Load::kCompute, options.repetitions, options.seconds);
  if (!compute.complete) return 1;
  const Summary memory =
      Compare(gpu, *meter.meter, nvml, Load::kMemory, options.repetitions, options.seconds);
  if (!memory.complete) return 1;
  Print("\n");
  const bool compute_passes = Judge("compute:", compute);
  const bool memory_passes = Judge("memory:", memory);
  return compute_passes && memory_passes && wrong.empty() ? 0 : 3;
}

}  // namespace
}  // namespace wattline::device

int main(int argc, char** argv) {
  const auto options = wattline::device::Parse(argc, argv);
  if (!options) return 2;
  if (options->print_ptx) {
    fmt::print("{}", wattline::device::LoadPtx());
    return 0;
  }
  return wattline::device::Run(*options);
}
