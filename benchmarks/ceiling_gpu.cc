// ceiling, the rows of the GPU that a library's backend runs on: its peaks and its read bandwidth.
#include "benchmarks/ceiling_gpu.h"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "benchmarks/fixture.h"
#include "benchmarks/measure.h"
#include "benchmarks/suite.h"
#include "kernels/seconds.h"

namespace wattline::benchmarks {
namespace {

using kernels::GpuLimit;

struct GpuCeilingRow {
  std::optional<Candidate> candidate;
  int64_t units = 1;
  std::string label;
  std::map<std::string, double> gates;
  std::string why_not;
};

// The best of the backend's works, and the gates of its point.
GpuCeilingRow PrepareGpuCeiling(const kernels::Backend& backend, GpuLimit limit) {
  GpuCeilingRow row;
  const GpuCandidates gpu = GpuCandidatesOf(backend, limit);
  const std::optional<Winner> winner = Compete(gpu.candidates, {.trial_s = kGpuIterationS,
                                                                .final_s = kGpuIterationS,
                                                                .finalists = gpu.candidates.size(),
                                                                .repetitions = 9});
  row.why_not = gpu.why_not;
  if (!winner) return row;
  row.candidate = gpu.candidates[winner->index];
  row.units = winner->units;
  const Gated gated = PassGates(*row.candidate, row.units);
  row.gates = gated.counters;
  row.label = gated.Label(row.candidate->kernel);
  if (!gpu.why_not.empty()) row.label += "; without " + gpu.why_not;
  return row;
}

void RunGpuCeiling(benchmark::State& state, Suite& suite, const std::string& name,
                   const kernels::Backend& backend, GpuLimit limit) {
  try {
    const GpuCeilingRow& row = suite.Keep<GpuCeilingRow>(
        name, [&] { return std::make_shared<GpuCeilingRow>(PrepareGpuCeiling(backend, limit)); });
    if (!row.candidate) return Skip(state, row.why_not);
    Counts counts;
    (limit == GpuLimit::kRead ? counts.byte : counts.flop) =
        row.candidate->per_unit * static_cast<double>(row.units);
    counts.runs_on = energy::kGpuPart;
    counts.more = row.gates;
    Measure(
        state, suite, counts, [&row] { row.candidate->run(row.units); }, row.label);
  } catch (const std::exception& error) {
    suite.Forget();
    Skip(state, error.what());
  }
}

}  // namespace

void WarmUpGpu(const Candidate& candidate) {
  constexpr double kGpuWarmUpS = 0.2;
  double elapsed_s = 0;
  while (elapsed_s < kGpuWarmUpS) {
    const int64_t units = UnitsFor(candidate, kGpuIterationS);
    elapsed_s += 0.01 + kernels::Seconds([&] { candidate.run(units); });
  }
}

GpuCandidates GpuCandidatesOf(const kernels::Backend& backend, GpuLimit limit) {
  kernels::GpuWorks made = backend.gpu_works(backend, limit);
  GpuCandidates gpu;
  gpu.why_not = std::move(made.why_not);
  for (kernels::GpuWork& work : made.works) {
    gpu.candidates.push_back({std::move(work.kernel), work.per_unit, std::move(work.run)});
  }
  if (!gpu.candidates.empty()) WarmUpGpu(gpu.candidates.front());
  return gpu;
}

void RegisterCeilingGpu(Suite& suite) {
  const ShownBackend* const shown = suite.gpu_backend();
  if (shown == nullptr) return;
  for (const GpuLimit limit : {GpuLimit::kF32, GpuLimit::kF16, GpuLimit::kBF16, GpuLimit::kRead}) {
    const std::string name =
        limit == GpuLimit::kRead
            ? fmt::format("ceiling/read/f32/kb:{}/threads:1/{}", kernels::kGpuRead_byte / 1024,
                          shown->name)
            : fmt::format("ceiling/peak/{}/threads:1/{}", Name(limit), shown->name);
    Register(suite, name,
             [&suite, name, &backend = *shown->backend, limit](benchmark::State& state) {
               RunGpuCeiling(state, suite, name, backend, limit);
             });
  }
}

}  // namespace wattline::benchmarks
