// What the rows and the ceilings of a GPU share.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/ceiling_run.h"
#include "kernels/backend.h"

namespace wattline::benchmarks {

// One iteration of a GPU's ceiling row: a launch costs 10 us, a five-hundredth.
inline constexpr double kGpuIterationS = 5e-3;

// Runs it until clocks that were lowered in idleness are up again.
void WarmUpGpu(const Candidate& candidate);

struct GpuCandidates {
  std::vector<Candidate> candidates;
  std::string why_not;  // of those that are missing: one sentence
};
// Of a backend that has gpu_works; the GPU is warm if there is any. Throws what a work throws.
GpuCandidates GpuCandidatesOf(const kernels::Backend& backend, kernels::GpuLimit limit);

}  // namespace wattline::benchmarks
