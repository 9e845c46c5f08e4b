// What Linux tells in its files; under any root, so that recorded machines can be read.
#pragma once

#include <filesystem>

#include "benchmarks/context.h"
#include "benchmarks/topology.h"

namespace wattline::benchmarks {

SystemFacts LinuxFacts(const std::filesystem::path& root, const Topology& topology);

}  // namespace wattline::benchmarks
