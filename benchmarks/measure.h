// Times one row's work and gives it the counters that every row has.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "benchmarks/counters.h"
#include "benchmarks/suite.h"
#include "kernels/backend.h"

namespace wattline::benchmarks {

// The same of a row of this backend: on a GPU its joules and its ceilings are the GPU's.
Counts RowCounts(const kernels::Backend& backend, Counts counts);

// Calls `body` once per iteration in state's loop, between two probes of the ground and inside an
// energy window, and sets all counters. Thread 0 only. `body` returns when its work is complete.
// `label` stands behind the row: the kernel that a library chose, how much was checked.
void Measure(benchmark::State& state, Suite& suite, const Counts& counts,
             const std::function<void()>& body, const std::string& label = {});

}  // namespace wattline::benchmarks
