// How this program was built.
#pragma once

#include <optional>
#include <string>

namespace wattline::benchmarks {

struct BuildInfo {
  std::string compiler;    // "GNU 12.2.0"
  std::string flags;       // common ones, without paths; instruction-set files add their own
  std::string build_type;  // "Release"
  // Of the sources, with "-dirty" where they differ from it; absent outside a git checkout.
  std::optional<std::string> commit;
};

BuildInfo ThisBuild();

}  // namespace wattline::benchmarks
