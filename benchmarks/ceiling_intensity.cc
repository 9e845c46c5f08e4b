// ceiling/intensity: what is reached between bandwidth and peak. FLOP per byte from 1/16 to 1024,
// for each format, with the bytes from each level of the memory.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/ceiling_rows.h"
#include "benchmarks/ceiling_run.h"
#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "kernels/ceiling/intensity_work.h"

namespace wattline::benchmarks {
namespace {

using kernels::IntensityBuffer;
using kernels::IntensityShape;

// 180 rows: a fifth of a second each in place of half a second. Handing an iteration of 4 ms to the
// threads (1 to 2 us) costs less than a thousandth.
constexpr double kMinTimeS = 0.2;
constexpr double kIntensityIterationS = 4e-3;

// Half an iteration for each sample: the gates' double is then as long as one.
const Contest kContest = {
    .trial_s = 1e-3, .final_s = kIntensityIterationS / 2, .finalists = 3, .repetitions = 7};

struct Point {
  kernels::PeakFormat format;
  int64_t kib;
  double flop_per_byte;
  int threads;
};

// A step is a part of the footprint: a whole walk of 512 MiB at 1024 FLOP per byte takes seconds.
// 16 MFLOP are 0.1 to 0.2 ms of f32 on one core, and 4 MiB from memory 0.2 to 0.8 ms.
IntensityShape ShapeOf(const Point& point) {
  constexpr double kStepFlop = 1 << 24;
  constexpr double kMostStepByte = 1 << 22;
  const double step_byte = std::min(kStepFlop / point.flop_per_byte, kMostStepByte);
  return {.footprint_byte = point.kib * 1024,
          .step_byte = static_cast<int64_t>(step_byte),
          .flop_per_byte = point.flop_per_byte};
}

// A point's winner, with its gates, or why there is none.
struct ChosenIntensity {
  Candidate candidate;
  int64_t units = 1;  // of one iteration
  Gated gated;
  std::string why_not;
};

// The sentence of the first kernel that does not do the work that it is timed for.
std::string FirstWrong(const Point& point, const std::string& isa) {
  for (const kernels::CeilingKernels& one : kernels::AllCeilingKernels()) {
    if (!one.why_not().empty() || !kernels::IsPartOf(one, isa)) continue;
    for (const kernels::IntensityKernel& kernel : one.intensities) {
      if (kernel.format != point.format) continue;
      std::string wrong = kernels::WhyWrong(kernel, point.flop_per_byte);
      if (!wrong.empty()) return wrong;
    }
  }
  return {};
}

ChosenIntensity ChooseIntensity(const Point& point, IntensityBuffer& buffer,
                                kernels::ThreadPool& pool, const std::string& isa) {
  ChosenIntensity chosen;
  chosen.why_not = FirstWrong(point, isa);
  if (!chosen.why_not.empty()) return chosen;
  const std::vector<Candidate> candidates = IntensityCandidates(buffer, ShapeOf(point), pool, isa);
  const std::optional<Winner> winner = Compete(candidates, kContest);
  if (!winner) {
    chosen.why_not = "there is no such kernel for this CPU";
    return chosen;
  }
  chosen.candidate = candidates[winner->index];
  chosen.gated = PassGates(chosen.candidate, winner->units);
  chosen.units = 2 * winner->units;
  return chosen;
}

// What rows with this format, these threads and about this footprint share.
struct Shared {
  Shared(Suite& suite, kernels::PeakFormat format, int count, int64_t kib)
      : threads(suite, count), buffer(format, kib * 1024, threads.pool()) {}
  Threads threads;
  IntensityBuffer buffer;
  std::map<std::string, ChosenIntensity> chosen;  // by row
};

void Run(benchmark::State& state, Suite& suite, const Point& point, const std::string& name,
         const std::string& isa) {
  const int64_t buffer_kib = BufferKib(point.threads, point.kib);
  const std::string key = fmt::format("ceiling intensity, {}, {} threads, {} KiB",
                                      kernels::Name(point.format), point.threads, buffer_kib);
  Shared& shared = suite.Keep<Shared>(key, [&] {
    return std::make_shared<Shared>(suite, point.format, point.threads, buffer_kib);
  });
  if (!shared.chosen.contains(name)) {
    shared.chosen[name] = ChooseIntensity(point, shared.buffer, shared.threads.pool(), isa);
  }
  const ChosenIntensity& chosen = shared.chosen[name];
  if (!chosen.why_not.empty()) return Skip(state, chosen.why_not);
  Counts counts;
  counts.flop = chosen.candidate.per_unit * static_cast<double>(chosen.units);
  counts.byte = counts.flop / point.flop_per_byte;
  counts.more = chosen.gated.counters;
  Measure(
      state, suite, counts, [&chosen] { chosen.candidate.run(chosen.units); },
      chosen.gated.Label(chosen.candidate.kernel));
}

void RegisterPoint(Suite& suite, const ShownBackend& shown, const Point& point) {
  const std::string size = fmt::format("kb:{}", point.kib);
  const std::string threads = fmt::format("threads:{}", point.threads);
  const std::string name =
      fmt::format("ceiling/intensity/{}/{}/flop_per_byte:{}/{}/{}", kernels::Name(point.format),
                  size, point.flop_per_byte, threads, shown.name);
  std::vector<std::string> words;
  if (!IsDefaultKib(point.kib)) words.push_back(size);
  if (point.threads != suite.pool().size()) words.push_back(threads);
  const auto run = [=, &suite, isa = IsaOf(shown)](benchmark::State& state) {
    Run(state, suite, point, name, isa);
  };
  suite.Add({.name = name, .words = words, .run = run, .min_time_s = kMinTimeS});
}

}  // namespace

// Ordered by format and footprint, so that each buffer is filled once.
void RegisterIntensities(Suite& suite, const ShownBackend& shown, int threads) {
  for (kernels::PeakFormat format :
       {kernels::PeakFormat::kF32, kernels::PeakFormat::kBF16, kernels::PeakFormat::kInt8}) {
    for (int64_t kib = kLeastKib; kib <= MostKib(threads); kib *= 2) {
      for (double flop_per_byte = kernels::kLeastIntensity;
           flop_per_byte <= kernels::kMostIntensity; flop_per_byte *= 2) {
        RegisterPoint(suite, shown, {format, kib, flop_per_byte, threads});
      }
    }
  }
}

}  // namespace wattline::benchmarks
