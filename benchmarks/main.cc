// bench: measures what this machine does with the work inside a language model.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/flags.h"
#include "benchmarks/session.h"
#include "benchmarks/session_context.h"
#include "energy/meters.h"
#include "kernels/gemm/gemm_blas.h"

namespace {

using wattline::benchmarks::Flags;

std::optional<std::string> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

// OpenBLAS reads OPENBLAS_CORETYPE once, when it is loaded: where it has taken the kernels of an
// older CPU, the program starts itself again with the variable set. Returns where that fails.
void RestartForOpenBlas(char** argv) {
  const std::optional<std::string> core = wattline::kernels::BetterOpenBlasCore();
  if (!core) return;
  setenv("OPENBLAS_CORETYPE", core->c_str(), 1);
  execvp(argv[0], argv);
}

int Run(const Flags& flags) {
  if (flags.help) {
    fmt::print("{}", wattline::benchmarks::HelpText());
    return 0;
  }
  if (flags.list_backends) fmt::print("{}", wattline::benchmarks::BackendList());
  if (flags.list_meters) {
    fmt::print("{}", wattline::energy::ListMeters(wattline::benchmarks::MeterOptionsOf(flags)));
  }
  if (flags.list_backends || flags.list_meters) return 0;
  // Set by the launcher; without it results/ is made in the working directory.
  const std::string root = FromEnvironment("WATTLINE_ROOT").value_or(".");
  return wattline::benchmarks::RunSession(flags, root);
}

}  // namespace

int main(int argc, char** argv) {
  RestartForOpenBlas(argv);
  const wattline::benchmarks::ParsedFlags parsed =
      wattline::benchmarks::ParseFlags({argv + 1, argv + argc}, FromEnvironment);
  if (!parsed.error.empty()) {
    fmt::print(stderr, "bench: {}\n", parsed.error);
    return 2;
  }
  // They have been read; Google Benchmark would act on them a second time.
  for (const char* name : wattline::benchmarks::kOwnVariables) unsetenv(name);
  try {
    return Run(parsed.flags);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
}
