// The facts of a Mac from what it answers; anything may answer, so that recorded machines can be
// read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "benchmarks/context.h"
#include "benchmarks/mac_system.h"

namespace wattline::benchmarks {

struct Sysctls {
  std::function<std::optional<std::string>(const std::string& name)> text;
  std::function<std::optional<int64_t>(const std::string& name)> count;
};

SystemFacts MacFacts(const Sysctls& sysctl, const MacSystem& system = {});

}  // namespace wattline::benchmarks
