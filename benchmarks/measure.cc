#include "benchmarks/measure.h"

#include <algorithm>

#include "benchmarks/memory.h"
#include "benchmarks/probe.h"

namespace wattline::benchmarks {
namespace {

// A call that lasted this share of the least time may be the row's last one: Google Benchmark does
// not tell. Its own clock is the CPU time of thread 0, which is at most the elapsed time and at
// least about half of it where that thread waits for others now and then.
constexpr double kMayBeLast = 0.4;

void AddLabel(std::string& label, const std::string& part) {
  if (part.empty()) return;
  label += (label.empty() ? "" : "; ") + part;
}

}  // namespace

void Measure(benchmark::State& state, Suite& suite, const Counts& counts,
             const std::function<void()>& body, const std::string& label) {
  RowState& row = suite.row_state();
  Observed observed;
  if (!row.ground) row.ground = suite.ground().Measure();
  observed.before = row.ground;

  ResetPeakResident();
  EnergyProbe probe(suite.meters());
  probe.Begin();
  for (auto _ : state) body();
  observed.iterations = std::max<int64_t>(1, state.iterations());
  observed.measured = probe.End(observed.iterations);
  if (const std::optional<double> peak = PeakResidentByte()) {
    observed.peak_byte = std::max(0.0, *peak - suite.baseline_byte());
  }
  if (observed.measured.elapsed_s >= kMayBeLast * suite.options().min_time_s) {
    observed.after = suite.ground().Measure();
    row.ground = observed.after;
  }

  for (const auto& [name, value] : CountersOf(counts, observed, suite.ceilings())) {
    state.counters[name] = value;
  }
  SetEnergyCounters(observed.measured, suite.meters(), state.counters);
  std::string remarks;
  const auto unsteady = state.counters.find("unsteady");
  if (unsteady != state.counters.end() && unsteady->second.value > 0) AddLabel(remarks, "unsteady");
  AddLabel(remarks, AboveCeiling(counts, observed, suite.ceilings()));
  if (observed.measured.short_window) AddLabel(remarks, "energy window under 20 ticks");
  AddLabel(remarks, label);
  if (!remarks.empty()) state.SetLabel(remarks.c_str());
}

}  // namespace wattline::benchmarks
