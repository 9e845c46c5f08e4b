#include "benchmarks/build_info.h"

namespace wattline::benchmarks {

// In a file that tools/cmake/commit.cmake writes at every build; empty outside a git checkout.
extern const char* const kCommit;

BuildInfo ThisBuild() {
  BuildInfo build{WATTLINE_COMPILER, WATTLINE_FLAGS, WATTLINE_BUILD_TYPE, {}};
  if (const std::string commit = kCommit; !commit.empty()) build.commit = commit;
  return build;
}

}  // namespace wattline::benchmarks
