// ceiling: the measured limits that the other fixtures are held against. Peaks per number format,
// bandwidth per kind and working set, and the memory's levels with their ridge points; for one
// thread and for all. What lies between peak and bandwidth is in ceiling_intensity.cc.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/ceiling_rows.h"
#include "benchmarks/ceiling_run.h"
#include "benchmarks/fixture.h"
#include "benchmarks/level_sweep.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"

namespace wattline::benchmarks {
namespace {

// One iteration: long enough that handing it to the threads (1 to 2 us) costs a thousandth.
constexpr double kCeilingIterationS = 2e-3;

// What the row's iterations do: the winner, as often as fills kCeilingIterationS.
struct ChosenCandidate {
  Candidate candidate;
  int64_t units = 1;
};

// Every peak kernel is a finalist: trials of 1 ms once chose AVX2 before AVX-512, on 16 threads of
// a virtual machine whose host took a core away just then. Streams have up to 20 candidates.
ChosenCandidate ChooseCandidate(const std::vector<Candidate>& candidates, bool is_peak) {
  const std::optional<Winner> winner =
      Compete(candidates, {.trial_s = 2e-3,
                           .final_s = kCeilingIterationS,
                           .finalists = is_peak ? candidates.size() : 4,
                           .repetitions = is_peak ? 15 : 7});
  if (!winner) return {};
  return {candidates[winner->index], winner->units};
}

void RunChosen(benchmark::State& state, Suite& suite, const ChosenCandidate& chosen, bool is_peak) {
  if (!chosen.candidate.run) return Skip(state, "there is no such kernel for this CPU");
  const double work = chosen.candidate.per_unit * static_cast<double>(chosen.units);
  Counts counts;
  (is_peak ? counts.flop : counts.byte) = work;
  Measure(
      state, suite, counts, [&chosen] { chosen.candidate.run(chosen.units); },
      chosen.candidate.kernel);
}

std::vector<int> ThreadCounts(Suite& suite) {
  if (suite.pool().size() == 1) return {1};
  return {1, suite.pool().size()};
}

struct PeakRow {
  Threads threads;
  ChosenCandidate chosen;
};

void RegisterPeaks(Suite& suite, const ShownBackend& shown, int threads) {
  for (kernels::PeakFormat format :
       {kernels::PeakFormat::kF32, kernels::PeakFormat::kBF16, kernels::PeakFormat::kInt8}) {
    const std::string name =
        fmt::format("ceiling/peak/{}/threads:{}/{}", kernels::Name(format), threads, shown.name);
    Register(suite, name, [=, &suite, isa = IsaOf(shown)](benchmark::State& state) {
      const PeakRow& row = suite.Keep<PeakRow>(name, [&] {
        auto made = std::make_shared<PeakRow>(PeakRow{Threads(suite, threads), {}});
        made->chosen = ChooseCandidate(PeakCandidates(format, made->threads.pool(), isa), true);
        return made;
      });
      RunChosen(state, suite, row.chosen, true);
    });
  }
}

// The streams of all rows with this many threads and a footprint of at most `kib`, so that filling
// the buffer is not repeated for each.
struct Streams {
  Streams(Suite& suite, int count, int64_t kib)
      : threads(suite, count), buffer(kib * 1024, threads.pool()) {}
  Threads threads;
  kernels::StreamBuffer buffer;
  std::map<std::string, ChosenCandidate> chosen;  // by row
};

Streams& StreamsFor(Suite& suite, int threads, int64_t kib) {
  const int64_t buffer_kib = BufferKib(threads, kib);
  return suite.Keep<Streams>(
      fmt::format("ceiling streams, {} threads, {} KiB", threads, buffer_kib),
      [&] { return std::make_shared<Streams>(suite, threads, buffer_kib); });
}

void RegisterStreams(Suite& suite, const ShownBackend& shown, int threads, int64_t kib) {
  const bool in_default = IsDefaultKib(kib);
  const std::string size = fmt::format("kb:{}", kib);
  for (kernels::StreamKind kind : {kernels::StreamKind::kRead, kernels::StreamKind::kWrite,
                                   kernels::StreamKind::kCopy, kernels::StreamKind::kTriad}) {
    const std::string name = fmt::format("ceiling/{}/f32/{}/threads:{}/{}", kernels::Name(kind),
                                         size, threads, shown.name);
    const auto run = [=, &suite, isa = IsaOf(shown)](benchmark::State& state) {
      Streams& streams = StreamsFor(suite, threads, kib);
      const auto found = streams.chosen.find(name);
      if (found != streams.chosen.end()) return RunChosen(state, suite, found->second, false);
      streams.chosen[name] = ChooseCandidate(
          StreamCandidates(kind, streams.buffer, kib * 1024, streams.threads.pool(), isa), false);
      RunChosen(state, suite, streams.chosen[name], false);
    };
    Register(suite, name, run, in_default ? std::vector<std::string>{} : std::vector{size});
  }
}

// "L1 to 48 KiB: 445 GB/s; L2 to 1448 KiB: 179 GB/s; ...".
std::string LevelsText(const std::vector<roofline::Level>& levels) {
  std::string text;
  for (const roofline::Level& level : levels) {
    if (!text.empty()) text += "; ";
    text += level.byte_per_s ? fmt::format("{} to {:.0f} KiB: {:.3g} GB/s", level.name,
                                           level.to_byte / 1024, *level.byte_per_s * 1e-9)
                             : fmt::format("{}: {}", level.name, level.unresolved);
  }
  return text;
}

// The sweep itself, sizes and rates of the levels, and for the pool that the ceilings hold for, the
// ridge points of memory: FLOP per byte above which the peak is the limit.
void SetLevelCounters(const std::vector<roofline::SweepPoint>& sweep,
                      const std::vector<roofline::Level>& levels, const MeasuredCeilings* ceilings,
                      benchmark::UserCounters& counters) {
  for (const roofline::SweepPoint& point : sweep) {
    const std::string footprint = fmt::format("{:.0f}", std::floor(point.footprint_byte));
    counters["GB/s@byte:" + footprint] = point.byte_per_s * 1e-9;
  }
  std::optional<double> memory_byte_per_s;
  for (const roofline::Level& level : levels) {
    if (!level.byte_per_s) continue;
    counters[level.name + "_GB/s"] = *level.byte_per_s * 1e-9;
    if (level.name == "DRAM") {
      memory_byte_per_s = level.byte_per_s;
    } else {
      counters[level.name + "_KiB"] = level.to_byte / 1024;
    }
  }
  if (ceilings == nullptr) return;
  const auto put = [&](const char* name, std::optional<double> peak) {
    const std::optional<double> ridge = roofline::Ridge(peak, memory_byte_per_s);
    if (ridge) counters[name] = *ridge;
  };
  put("ridge_f32", ceilings->f32_flop_per_s);
  put("ridge_bf16", ceilings->bf16_flop_per_s);
  put("ridge_int8", ceilings->int8_op_per_s);
}

void RegisterLevels(Suite& suite, const ShownBackend& shown, int threads, int per_octave) {
  const bool in_default = per_octave == kDefaultPerOctave;
  const std::string points = fmt::format("per_octave:{}", per_octave);
  const std::string name =
      fmt::format("ceiling/levels/f32/{}/threads:{}/{}", points, threads, shown.name);
  // Its time is that of the sweep, which means nothing, so it has none of the rows' usual counters.
  const auto run = [=, &suite, isa = IsaOf(shown)](benchmark::State& state) {
    const Streams& streams = StreamsFor(suite, threads, MostKib(threads));
    std::vector<roofline::SweepPoint> sweep;
    for (auto _ : state) {
      sweep = SweepReads(streams.buffer, per_octave, streams.threads.pool(), isa);
    }
    if (sweep.empty()) return Skip(state, "there is no such kernel for this CPU");
    const std::vector<roofline::Level> levels = roofline::FindLevels(sweep);
    const bool is_suite_pool = threads == suite.pool().size();
    SetLevelCounters(sweep, levels, is_suite_pool ? &suite.ceilings() : nullptr, state.counters);
    state.SetLabel(LevelsText(levels).c_str());
  };
  Register(suite, name, run, in_default ? std::vector<std::string>{} : std::vector{points});
}

}  // namespace

// Ordered by threads and working set, so that each buffer is made once.
void RegisterCeiling(Suite& suite) {
  for (const ShownBackend& shown : suite.cpu_backends()) {
    for (int threads : ThreadCounts(suite)) {
      RegisterPeaks(suite, shown, threads);
      for (int64_t kib = kLeastKib; kib <= MostKib(threads); kib *= 2) {
        RegisterStreams(suite, shown, threads, kib);
      }
      for (int per_octave : {kDefaultPerOctave, 2 * kDefaultPerOctave}) {
        RegisterLevels(suite, shown, threads, per_octave);
      }
      RegisterIntensities(suite, shown, threads);
    }
  }
}

}  // namespace wattline::benchmarks
