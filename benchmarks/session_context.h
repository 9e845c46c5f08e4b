// What `bench` adds to the context of its results file.
#pragma once

#include "benchmarks/context.h"
#include "benchmarks/results.h"
#include "benchmarks/suite.h"
#include "energy/meters.h"

namespace wattline::benchmarks {

// Known before anything runs: schema, machine, build, threads, backends, meters.
Json SessionContext(const SystemFacts& facts, const Suite& suite, const energy::Chosen& meters);

// Known once they were measured: ceilings, the ground's read kernel; `with_gpu`, those of the
// suite's gpu_backend().
void AddMeasuredContext(Json& context, Suite& suite, bool with_gpu);

// What --list-backends prints.
std::string BackendList();

}  // namespace wattline::benchmarks
