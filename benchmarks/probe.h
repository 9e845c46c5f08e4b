// The energy probe: wraps a fixture's loop and gives its time and its joules per iteration.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "energy/clock.h"
#include "energy/window.h"

namespace wattline::benchmarks {

// Joules are those of one iteration. What could not be measured is absent.
struct Measured {
  double elapsed_s = 0;  // of the whole loop, by the steady clock: what every rate is computed from
  std::optional<double> joules;
  std::optional<double> joules_err;  // the true value lies within joules +- joules_err
  std::optional<double> watts;       // mean over the loop
  struct Domain {
    std::string name;  // "cpu", "dram", ...
    double joules = 0;
  };
  std::vector<Domain> domains;
  bool short_window = false;  // under 20 ticks of the meter: not to be trusted
};

// In thread 0 only:
//   EnergyProbe probe(meters);
//   probe.Begin();
//   for (auto _ : state) { ... }
//   SetEnergyCounters(probe.End(state.iterations()), meters, state.counters);
// Google Benchmark cannot tell which call of a row is its last one; it keeps the last one's
// counters.
class EnergyProbe {
 public:
  // `meters` may be null: there are only times then. It outlives the probe.
  explicit EnergyProbe(const energy::MeterSet* meters, energy::Clock& clock = energy::RealClock())
      : window_(meters, clock) {}

  // Waits for a tick of the meter (1 ms with RAPL), outside the time that Google Benchmark counts.
  void Begin() { window_.Begin(); }
  // Takes the time first. `iterations` > 0.
  Measured End(int64_t iterations);

 private:
  energy::Window window_;
};

// The same for every row of a process: "joules", "joules_err", "watts", "J:cpu" ...; none without a
// meter.
std::vector<std::string> EnergyCounterNames(const energy::MeterSet* meters);

// Sets those of them that were measured; never a NaN, an infinity, or a 0 in place of an unknown.
// True if all of EnergyCounterNames() are set.
bool SetEnergyCounters(const Measured& measured, const energy::MeterSet* meters,
                       benchmark::UserCounters& counters);

}  // namespace wattline::benchmarks
