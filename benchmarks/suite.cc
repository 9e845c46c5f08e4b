#include "benchmarks/suite.h"

#include <utility>

namespace wattline::benchmarks {
namespace {

// The backends that --isa selects, under the names that their rows carry.
std::vector<ShownBackend> CpuBackends(const std::string& isa) {
  std::vector<ShownBackend> shown;
  for (const kernels::Backend& backend : kernels::AllBackends()) {
    if (backend.cpu == nullptr || !backend.why_not().empty()) continue;
    if (isa.empty()) return {{&backend, "cpu"}};
    if (isa == "all" || isa == backend.cpu->isa) {
      shown.push_back({&backend, "cpu_" + std::string(backend.cpu->isa)});
    }
  }
  return shown;
}

}  // namespace

Suite::Suite(SuiteOptions options)
    : options_(std::move(options)),
      pool_(options_.threads),
      backends_(CpuBackends(options_.isa)),
      cpu_backends_(backends_) {
  for (const kernels::Backend& backend : kernels::AllBackends()) {
    if (backend.cpu == nullptr && backend.why_not().empty()) {
      backends_.push_back({&backend, std::string(backend.name)});
    }
  }
}

Suite::~Suite() = default;

GroundProbe& Suite::ground() {
  if (!ground_) ground_ = std::make_unique<GroundProbe>(pool_);
  return *ground_;
}

}  // namespace wattline::benchmarks
