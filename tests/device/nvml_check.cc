// The NVML meter on a real GPU: `build/tests/nvml_check [--repetitions=10] [--seconds=3]`
//
// How its counter ticks, whether reading disturbs it, and, under a compute-bound and a memory-bound
// load, joules of the counter between two ticks and of the probe's window against the integral of
// instant power that a thread of its own samples. Exit code 0: all within 2 % and a coefficient of
// variation under 1 %; 3: not so; 1: something failed; 77: there is no GPU here. `--print_ptx`
// shows the kernels (ptxas -arch=sm_90 can check them).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "energy/nvml.h"
#include "energy/nvml_library.h"
#include "energy/sampler.h"
#include "energy/watch.h"
#include "energy/window.h"
#include "tests/device/cuda_kernels.h"
#include "tests/device/cuda_load.h"
#include "tests/device/nvml_facts.h"
#include "tests/device/power_sampler.h"

namespace wattline::device {
namespace {

using energy::Meter;
using energy::Reading;
using energy::SecondsBetween;

constexpr double kAgreement = 0.02;      // counter against integral
constexpr double kRepeatability = 0.01;  // cv of the joules of the same work
constexpr double kSettle_s = 1.0;        // of a load's power, before it is measured
constexpr double kSample_s = 0.01;       // between two samples of power, the call itself left out
constexpr double kPoll_s = 0.05;         // between two readings in a window, as in a benchmark
constexpr double kLongestTick_s = 1.0;
constexpr double kLongestGap_s = 0.25;  // between two samples

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

// --- joules against the integral of instant power

struct Measured {
  TimePoint begin;
  TimePoint end;
  double joules = 0;
  double err_j = 0;
  double work = 0;  // FLOP or bytes
};
using Measure = std::function<std::optional<Measured>()>;

// The counter's own gain between two of its ticks, beside a load that runs by itself.
std::optional<Measured> MeasureCounter(CudaGpu& gpu, Meter& meter, Load load, double seconds) {
  RunningLoad running(gpu, load);
  Sleep(kSettle_s);
  const std::optional<EnergyWindow> window = MeasureAtTicks(meter, seconds, kPoll_s);
  Sleep(0.1);  // a launch ends after the window
  if (!window) return std::nullopt;
  const std::optional<double> work = running.WorkBetween(window->begin, window->end);
  running.Stop();
  if (!work) return std::nullopt;
  return Measured{window->begin, window->end, window->joules, window->err_j, *work};
}

// The energy window of a benchmark, with the load's launches as its iterations.
std::optional<Measured> MeasureProbe(CudaGpu& gpu, energy::Sampler& sampler, Load load,
                                     double seconds) {
  bool runs = true;
  const std::function<void()> launch = [&] { runs = gpu.RunOnce(load) && runs; };
  energy::Window window(&sampler);
  window.Begin(&launch);
  const TimePoint begin = Now();
  int64_t launches = 0;
  for (; runs && Since(begin) < seconds; ++launches) launch();
  int64_t more = 0;
  const energy::WindowEnergy energy = window.End(launch, energy::Goal{}, &more);
  Sleep(0.1);  // a sample of power ends after the window
  if (!runs || !energy.total) return std::nullopt;
  const TimePoint end = energy::Later(begin, energy.elapsed_s);
  return Measured{begin, end, energy.total->joules, energy.total->err_j,
                  static_cast<double>(launches + more) * gpu.WorkOf(load)};
}

struct Summary {
  bool complete = false;
  std::vector<double> ratios;    // joules over integral
  std::vector<double> per_work;  // J per FLOP or byte
  std::vector<double> watts;
  int outside = 0;  // repetitions whose integral lies outside the bound
};

Summary Compare(const char* title, const CudaGpu& gpu, const Nvml& nvml, Load load, int repetitions,
                const Measure& measure) {
  const char* unit = load == Load::kCompute ? "TFLOP/s" : "GB/s";
  const char* per = load == Load::kCompute ? "pJ/FLOP" : "pJ/B";
  const double scale = load == Load::kCompute ? 1e-12 : 1e-9;
  Print("\n{}\n{:>3} {:>7} {:>11} {:>9} {:>11} {:>9} {:>8} {:>9} {:>9}\n", title, "", "s", "J",
        "+- J", "integral J", "ratio", "W", unit, per);
  Summary summary;
  for (int repetition = 1; repetition <= repetitions; ++repetition) {
    std::vector<PowerSample> samples;
    std::optional<Measured> found;
    {
      const PowerSampler sampler(nvml.library, nvml.device, kSample_s);
      found = measure();
      samples = sampler.Samples();
    }
    if (!gpu.fault().empty()) {
      Print("the load failed: {}\n", gpu.fault());
      return summary;
    }
    if (!found) {
      Print("{:>3} no joules: the counter did not tick, or was lost\n", repetition);
      return summary;
    }
    const double elapsed_s = SecondsBetween(found->begin, found->end);
    const std::optional<double> integral_j =
        IntegrateJoules(samples, found->begin, found->end, kLongestGap_s);
    if (!integral_j) {
      Print("{:>3} {} samples of power do not cover {:.3f} s\n", repetition, samples.size(),
            elapsed_s);
      return summary;
    }
    summary.ratios.push_back(found->joules / *integral_j);
    summary.per_work.push_back(found->joules / found->work);
    summary.watts.push_back(found->joules / elapsed_s);
    if (std::abs(found->joules - *integral_j) > found->err_j) ++summary.outside;
    Print("{:>3} {:7.3f} {:11.3f} {:9.3f} {:11.3f} {:9.5f} {:8.2f} {:9.2f} {:9.4f}\n", repetition,
          elapsed_s, found->joules, found->err_j, *integral_j, summary.ratios.back(),
          summary.watts.back(), found->work / elapsed_s * scale, summary.per_work.back() * 1e12);
  }
  summary.complete = true;
  return summary;
}

// Whether it passes.
bool Judge(const char* name, const Summary& summary) {
  if (!summary.complete) {
    Print("{:<16} not all repetitions gave joules; FAILS\n", name);
    return false;
  }
  double worst = 0;
  for (const double ratio : summary.ratios) {
    if (std::abs(ratio - 1) > std::abs(worst)) worst = ratio - 1;
  }
  const double cv = Variation(summary.per_work);
  const bool passes = std::abs(worst) < kAgreement && cv < kRepeatability;
  Print(
      "{:<16} against the integral: mean {:+.3f} %, worst {:+.3f} % (limit 2 %), {} of {} outside "
      "the bound; joules of the same work: cv {:.3f} % (limit 1 %); power: cv {:.3f} %; {}\n",
      name, (Mean(summary.ratios) - 1) * 100, worst * 100, summary.outside, summary.ratios.size(),
      cv * 100, Variation(summary.watts) * 100, passes ? "passes" : "FAILS");
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
    } else if (name == "--repetitions" && std::atoi(value.c_str()) > 1) {
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
  energy::Opened opened_meter = energy::OpenNvml(meter_options);
  if (!opened_meter.meter) {
    Print("nvml_check: {}\n", opened_meter.why_not);
    return 1;
  }
  energy::MeterSet set;
  set.meters.push_back(std::move(opened_meter.meter));
  Meter& meter = *set.meters.front();
  const energy::Watched idle = energy::Characterise(meter, energy::RealClock());
  std::string watched_idle = idle.why_not;
  if (idle.behaviour) {
    const std::optional<double> watts = idle.behaviour->instant_watts;
    watched_idle = fmt::format("{:.2f} W, instant power {}", idle.behaviour->watts,
                               watts ? fmt::format("{:.2f} W", *watts) : "absent");
  }
  Print("watched idle: {}\n", watched_idle);

  const std::string wrong = gpu.CheckLoads();
  Print("loads checked against the same arithmetic on the CPU: {}; buffer {:.3f} GB\n",
        wrong.empty() ? "equal" : wrong, gpu.buffer_byte() * 1e-9);
  if (!gpu.fault().empty()) return 1;

  {
    Print("under the compute load:\n");
    const RunningLoad running(gpu, Load::kCompute);
    Sleep(kSettle_s);
    if (!WatchCounter(meter)) return 1;
    WatchField(nvml, energy::kNvmlTotalEnergy_mj, energy::NvmlScope::kGpu, "energy");
    WatchField(nvml, energy::kNvmlScopedEnergy_mj, energy::NvmlScope::kGpu, "energy of a scope");
    WatchField(nvml, energy::kNvmlInstantPower_mw, energy::NvmlScope::kGpu, "instant power");
    WatchField(nvml, energy::kNvmlInstantPower_mw, energy::NvmlScope::kModule, "module's power");
    const std::optional<double> watts = meter.InstantWatts();
    Print("  instant power by the meter: {}\n", watts ? fmt::format("{:.2f} W", *watts) : "absent");
    if (!CompareReadRates(meter, options.seconds)) return 1;
    const energy::Watched watched = energy::Characterise(meter, energy::RealClock());
    if (!watched.behaviour) {
      Print("nvml_check: the meter is not to be believed: {}\n", watched.why_not);
      return 1;
    }
    meter.SetBehaviour(*watched.behaviour, watched.frozen);
    Print("{}\n", energy::Describe(meter.info()));
  }
  if (!gpu.fault().empty()) {
    Print("nvml_check: the load failed: {}\n", gpu.fault());
    return 1;
  }
  bool passes = wrong.empty();
  std::vector<std::pair<const char*, Summary>> summaries;
  const int few = std::min(options.repetitions, 3);
  for (const Load load : {Load::kCompute, Load::kMemory}) {
    const bool compute = load == Load::kCompute;
    summaries.emplace_back(compute ? "compute, counter" : "memory, counter",
                           Compare(compute ? "compute-bound, the counter between two ticks"
                                           : "memory-bound, the counter between two ticks",
                                   gpu, nvml, load, few, [&] {
                                     return MeasureCounter(gpu, meter, load, options.seconds);
                                   }));
    if (!gpu.fault().empty()) return 1;
    energy::Sampler sampler(set);
    sampler.StartThread();
    summaries.emplace_back(
        compute ? "compute, probe" : "memory, probe",
        Compare(compute ? "compute-bound, the probe's window" : "memory-bound, the probe's window",
                gpu, nvml, load, options.repetitions,
                [&] { return MeasureProbe(gpu, sampler, load, options.seconds); }));
    if (!gpu.fault().empty()) return 1;
  }
  Print("\n");
  for (const auto& [name, summary] : summaries) passes = Judge(name, summary) && passes;
  return passes ? 0 : 3;
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
