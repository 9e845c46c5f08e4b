// The energy probe: wraps a Google Benchmark loop and gives its time and its joules per iteration.
// Header only, so that other projects can use it with the installed energy library.
#pragma once

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "energy/clock.h"
#include "energy/process.h"
#include "energy/sampler.h"
#include "energy/window.h"

namespace wattline::benchmarks {

// Joules are those of one iteration. What could not be measured is absent.
struct Measured {
  double elapsed_s = 0;    // of the whole loop, by the steady clock: what rates are computed from
  int64_t iterations = 0;  // of the loop, and those that were added to narrow the bound
  std::optional<double> joules;
  std::optional<double> joules_err;  // the true value lies within joules +- joules_err
  std::optional<double> watts;       // mean over the loop
  std::optional<double> peak_watts;  // highest mean over a stretch of about 50 ms, or a tick
  struct Domain {
    std::string name;  // "cpu", "dram", ...
    double joules = 0;
  };
  std::vector<Domain> domains;
  bool short_window = false;  // under 20 ticks of the slowest meter
  double paused_s = 0;
};

// In thread 0 only:
//   EnergyProbe probe(sampler);
//   probe.Begin();
//   for (auto _ : state) { ... }
//   SetEnergyCounters(probe.End(state.iterations()), meters, state.counters);
// Google Benchmark cannot tell which call of a row is its last one; it keeps the last one's
// counters.
class EnergyProbe {
 public:
  // `sampler` may be null: there are only times then. It outlives the probe.
  explicit EnergyProbe(energy::Sampler* sampler, energy::Clock& clock = energy::RealClock())
      : window_(sampler, clock) {}

  // See energy::Window for what is waited for.
  void Begin(const std::function<void()>* work = nullptr) { window_.Begin(work); }
  void BeginNow() { window_.BeginNow(); }
  // Twins of state.PauseTiming() and state.ResumeTiming(), to be called right beside them: what
  // lies between is left out. Google Benchmark does not tell a probe of its own pauses.
  void Pause() { window_.Pause(); }
  void Resume() { window_.Resume(); }

  // Takes the time first. `iterations` > 0.
  Measured End(int64_t iterations) { return PerIteration(window_.End(), iterations); }
  // Adds iterations of `work` until the bound is as narrow as `goal` asks.
  Measured End(int64_t iterations, const std::function<void()>& work, const energy::Goal& goal) {
    int64_t added = 0;
    const energy::WindowEnergy window = window_.End(work, goal, &added);
    return PerIteration(window, iterations + added);
  }

 private:
  static Measured PerIteration(const energy::WindowEnergy& window, int64_t iterations) {
    Measured measured;
    measured.elapsed_s = window.elapsed_s;
    measured.iterations = iterations;
    measured.short_window = window.short_window;
    measured.paused_s = window.paused_s;
    const auto count = static_cast<double>(iterations);
    if (window.total) {
      measured.joules = window.total->joules / count;
      measured.joules_err = window.total->err_j / count;
      if (window.elapsed_s > 0) measured.watts = window.total->joules / window.elapsed_s;
      measured.peak_watts = window.peak_w;
    }
    for (const energy::DomainEnergy& domain : window.domains) {
      measured.domains.push_back({domain.name, domain.energy.joules / count});
    }
    return measured;
  }

  energy::Window window_;
};

// Those that a row can have with these meters: "joules", "joules_err", "watts", "peak_watts",
// "J:cpu" ...; none without a meter.
inline std::vector<std::string> EnergyCounterNames(const energy::MeterSet* meters) {
  if (!meters || meters->meters.empty()) return {};
  std::vector<std::string> names = {"joules", "joules_err", "watts", "peak_watts"};
  for (const std::string& domain : meters->DomainNames()) names.push_back("J:" + domain);
  return names;
}

// Sets what was measured; never a NaN, an infinity, or a 0 in place of an unknown.
inline void SetEnergyCounters(const Measured& measured, benchmark::UserCounters& counters) {
  const auto put = [&counters](const std::string& name, std::optional<double> value) {
    if (value && std::isfinite(*value)) counters[name] = *value;
  };
  put("joules", measured.joules);
  put("joules_err", measured.joules_err);
  put("watts", measured.watts);
  put("peak_watts", measured.peak_watts);
  for (const Measured::Domain& domain : measured.domains) put("J:" + domain.name, domain.joules);
}

// For a benchmark of any project, with any number of threads:
//   wattline::benchmarks::ProbedLoop loop(state);
//   for (auto _ : loop) Work();
//   loop.Report();
// The window begins after the barrier at which Google Benchmark's threads start, and ends after the
// one at which the slowest has finished; thread 0 alone measures, for all of them. Counters are
// joules per iteration of any thread.
class ProbedLoop {
 public:
  explicit ProbedLoop(benchmark::State& state, energy::Sampler* sampler = energy::ProcessSampler(),
                      energy::Clock& clock = energy::RealClock())
      : state_(state), probe_(state.thread_index() == 0 ? sampler : nullptr, clock) {}

  auto begin() { return state_.begin(); }
  // The one of the two calls in which Google Benchmark's threads meet and its timer starts.
  auto end() {
    auto last = state_.end();
    if (state_.thread_index() == 0) probe_.BeginNow();
    return last;
  }

  // Both the probe's window and Google Benchmark's timer.
  void PauseTiming() {
    state_.PauseTiming();
    if (state_.thread_index() == 0) probe_.Pause();
  }
  void ResumeTiming() {
    if (state_.thread_index() == 0) probe_.Resume();
    state_.ResumeTiming();
  }

  // Right after the loop. Sets the counters; other threads' calls do nothing.
  Measured Report() {
    if (state_.thread_index() != 0) return {};
    const Measured measured =
        probe_.End(std::max<int64_t>(1, state_.iterations() * state_.threads()));
    SetEnergyCounters(measured, state_.counters);
    return measured;
  }

 private:
  benchmark::State& state_;
  EnergyProbe probe_;
};

}  // namespace wattline::benchmarks
