#include "benchmarks/measure.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "benchmarks/memory.h"
#include "benchmarks/probe.h"
#include "benchmarks/trace.h"
#include "kernels/coreml/coreml_work.h"

namespace wattline::benchmarks {
namespace {

// A call that is to last this share of the least time may be the row's last one: it is begun so.
constexpr double kMayBeLast = 0.4;
// Google Benchmark 1.7 to 1.9 reports a call whose thread has worked for the least time, or that
// has lasted five times as long. Its clocks are read inside ours; where they have another source
// (macOS), a hundredth is left between them.
constexpr double kOwnClock = 0.99;
constexpr double kElapsed = 5;
// Nor does it ever make more iterations than these.
constexpr int64_t kMostIterations = 1'000'000'000;
// A loop is not made longer than this for the sake of its joules.
constexpr double kLongest_s = 10;

void AddLabel(std::string& label, const std::string& part) {
  if (part.empty()) return;
  label += (label.empty() ? "" : "; ") + part;
}

double ThreadCpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void SetPhase(Suite& suite, const std::string& phase) {
  if (suite.sampler()) suite.sampler()->SetPhase(phase, suite.row_state().name);
}

// Idle power, where there are meters that cover what the row runs on.
std::optional<energy::IdlePower> Idle(Suite& suite, bool covered) {
  if (!covered) return std::nullopt;
  SetPhase(suite, "idle");
  const std::optional<energy::IdlePower> idle = energy::MeasureIdle(*suite.sampler());
  SetPhase(suite, "between");
  return idle;
}

// A loop's energy: from the row's own loop, made longer where that narrows the bound. A slow meter
// is waited for with the work going on, unless one call of it holds many ticks anyway.
class Loop {
 public:
  Loop(Suite& suite, bool covered, const std::function<void()>& body)
      : suite_(suite), body_(body), covered_(covered), probe_(covered ? suite.sampler() : nullptr) {
    if (covered) many_ticks_s_ = std::max(1.0, 10 * suite.sampler()->SlowestTick());
  }

  Measured Run(benchmark::State& state) {
    const double least_s = suite_.row_state().min_time_s;
    const std::optional<double> call_s = suite_.row_state().iteration_s;
    // A call that is too short to be the row's last one is not worth waiting for ticks.
    const bool may_be_last =
        call_s && *call_s * static_cast<double>(state.max_iterations) >= kMayBeLast * least_s;
    SetPhase(suite_, PhaseOf(suite_.row_state().name));
    // What tells nothing of the row must not cost it anything.
    const bool hold = suite_.sampler() && !covered_ && !suite_.sampler()->traces();
    if (hold) suite_.sampler()->Hold(true);
    const bool warm = covered_ && may_be_last && *call_s < many_ticks_s_;
    probe_.Begin(warm ? &body_ : nullptr);
    const energy::TimePoint begin = energy::RealClock().Now();
    const double begin_cpu_s = ThreadCpu_s();
    for (auto _ : state) body_();
    const double cpu_s = ThreadCpu_s() - begin_cpu_s;
    const double loop_s = energy::SecondsBetween(begin, energy::RealClock().Now());
    // Further repetitions take the count that was found, however long that takes then. Where rows
    // take turns between repetitions, a first call of more than one iteration is such a one.
    std::optional<int64_t>& final_iterations = suite_.row_state().final_iterations;
    const bool long_enough = cpu_s >= kOwnClock * least_s ||
                             loop_s >= kOwnClock * kElapsed * least_s ||
                             state.max_iterations >= kMostIterations;
    const bool repeats =
        final_iterations == state.max_iterations || (!call_s && state.max_iterations > 1);
    is_last_ = long_enough || repeats;
    if (is_last_) final_iterations = state.max_iterations;
    const int64_t iterations = std::max<int64_t>(1, state.iterations());
    const bool lengthen =
        covered_ && is_last_ && loop_s / static_cast<double>(iterations) < many_ticks_s_;
    const Measured measured =
        lengthen ? probe_.End(iterations, body_, {suite_.options().energy_error, kLongest_s})
                 : probe_.End(iterations);
    if (hold) suite_.sampler()->Hold(false);
    SetPhase(suite_, "between");
    return measured;
  }
  // The call lasted long enough to be the row's last one.
  bool is_last() const { return is_last_; }

 private:
  Suite& suite_;
  const std::function<void()>& body_;
  bool covered_;
  double many_ticks_s_ = 0;  // a call of the body that takes so long holds many ticks by itself
  bool is_last_ = false;
  EnergyProbe probe_;
};

// The meters in use see the device that the row's work runs on: the joules of a GPU say nothing of
// work on the CPU.
bool Covered(const Suite& suite, energy::Parts runs_on) {
  return suite.sampler() && (suite.sampler()->meters().Covered() & runs_on) == runs_on;
}

// The most that the row's watts may be; absent where several meters add up to them.
std::optional<double> PowerCap(const Suite& suite, bool covered) {
  if (!covered || suite.sampler()->meters().meters.size() != 1) return std::nullopt;
  return suite.sampler()->meters().meters.front()->info().power_cap_w;
}

// What the row is held against. Measuring it takes seconds, which a row without a fraction of it
// does not wait for.
const MeasuredCeilings& CeilingsFor(Suite& suite, const Counts& counts) {
  static const MeasuredCeilings kNone;
  if (counts.peak == Peak::kNone && !counts.streams) return kNone;
  if ((counts.runs_on & energy::kCpuPart) != 0) return suite.ceilings();
  return suite.gpu_backend() != nullptr ? suite.gpu_ceilings() : kNone;
}

std::string EnergyRemark(const Suite& suite, const Observed& o, bool covered) {
  if (!suite.sampler()) return {};
  if (!covered) return "no meter of the device that it ran on";
  if (!o.measured.joules) return "energy not measured: a counter was lost or stood still";
  if (*o.measured.joules_err > suite.options().energy_error * *o.measured.joules) {
    return fmt::format("energy within {:.2g} % only",
                       100 * *o.measured.joules_err / *o.measured.joules);
  }
  return {};
}

}  // namespace

Counts RowCounts(const kernels::Backend& backend, Counts counts) {
  // It multiplies on matrix units that no ceiling here measures.
  if (backend.name == "accelerate") counts.peak = Peak::kNone;
  if (backend.on_gpu != nullptr && backend.on_gpu()) counts.runs_on = energy::kGpuPart;
  // It chooses among the units that it may use, and its arithmetic has no ceiling here: a meter has
  // to see them all.
  if (kernels::IsCoreMl(backend)) {
    counts.peak = Peak::kNone;
    counts.runs_on = energy::kCpuPart | energy::kGpuPart | energy::kAnePart;
  }
  return counts;
}

void Measure(benchmark::State& state, Suite& suite, const Counts& counts,
             const std::function<void()>& body, const std::string& label) {
  RowState& row = suite.row_state();
  const bool covered = Covered(suite, counts.runs_on);
  Observed observed;
  // The ground is the CPU's; a row of another device does not stand on it.
  const bool on_cpu = (counts.runs_on & energy::kCpuPart) != 0;
  if (on_cpu && !row.ground) row.ground = suite.ground().Measure();
  observed.before = row.ground;
  if (!row.idle) row.idle = Idle(suite, covered);
  observed.idle_before = row.idle;

  ResetPeakResident();
  Loop loop(suite, covered, body);
  observed.measured = loop.Run(state);
  row.iteration_s = observed.measured.elapsed_s / static_cast<double>(observed.measured.iterations);
  observed.power_cap_w = PowerCap(suite, covered);
  if (const std::optional<double> peak = PeakResidentByte(); on_cpu && peak) {
    observed.peak_byte = std::max(0.0, *peak - suite.baseline_byte());
  }
  if (loop.is_last()) {
    row.idle = Idle(suite, covered);
    observed.idle_after = row.idle;
    if (on_cpu) observed.huge_share = HugeShare();
    if (on_cpu) row.ground = suite.ground().Measure();
    observed.after = row.ground;
  }

  const MeasuredCeilings& ceilings = CeilingsFor(suite, counts);
  for (const auto& [name, value] : CountersOf(counts, observed, ceilings)) {
    state.counters[name] = value;
  }
  SetEnergyCounters(observed.measured, state.counters);
  std::string remarks;
  const auto unsteady = state.counters.find("unsteady");
  if (unsteady != state.counters.end() && unsteady->second.value > 0) AddLabel(remarks, "unsteady");
  AddLabel(remarks, AboveCeiling(counts, observed, ceilings));
  AddLabel(remarks, EnergyRemark(suite, observed, covered));
  if (suite.options().efficiency_cores) AddLabel(remarks, "efficiency cores");
  AddLabel(remarks, label);
  if (!remarks.empty()) state.SetLabel(remarks.c_str());
}

}  // namespace wattline::benchmarks
