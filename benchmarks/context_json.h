// The context of a results file: facts about the machine, the build and the meters as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "benchmarks/build_info.h"
#include "benchmarks/context.h"
#include "energy/meters.h"

namespace wattline::benchmarks {

// Flat keys beside Google Benchmark's own, in this order; what is absent has no key. The chip is
// under "chip", its slug under "chip_slug".
nlohmann::ordered_json ContextJson(const SystemFacts& facts, const BuildInfo& build);

// [{"name", "kind", "domains": [{"name", "scope"}], "tick_s", "lsb_j", "read_cost_s", "note"}]
nlohmann::ordered_json MetersJson(const energy::MeterSet& meters);

}  // namespace wattline::benchmarks
