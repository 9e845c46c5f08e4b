#include "benchmarks/suite.h"

#include <algorithm>
#include <utility>

#include "benchmarks/memory.h"
#include "kernels/cpu/pin.h"

namespace wattline::benchmarks {
namespace {

// The backends that --isa selects, under the names that their rows carry.
std::vector<ShownBackend> CpuBackends(std::span<const kernels::Backend> all,
                                      const std::string& isa) {
  std::vector<ShownBackend> shown;
  for (const kernels::Backend& backend : all) {
    if (backend.cpu == nullptr || !backend.why_not().empty()) continue;
    if (isa.empty()) return {{&backend, "cpu"}};
    if (isa == "all" || isa == backend.cpu->isa) {
      shown.push_back({&backend, "cpu_" + std::string(backend.cpu->isa)});
    }
  }
  return shown;
}

}  // namespace

Suite::Suite(SuiteOptions options, std::span<const kernels::Backend> backends)
    : options_(std::move(options)),
      allowed_cpus_(kernels::CpusOfThisThread()),
      pool_(options_.threads),
      backends_(CpuBackends(backends, options_.isa)),
      cpu_backends_(backends_) {
  if (options_.efficiency_cores) return;
  for (const kernels::Backend& backend : backends) {
    // The reference is the yardstick of the checks; it is not timed.
    if (backend.cpu == nullptr && backend.name != "reference" && backend.why_not().empty()) {
      backends_.push_back({&backend, std::string(backend.name)});
    }
  }
}

Suite::~Suite() = default;

GroundProbe& Suite::ground() {
  if (!ground_) {
    ground_ = std::make_unique<GroundProbe>(pool_);
    baseline_byte_ = ResidentByte().value_or(0);
  }
  return *ground_;
}

const ShownBackend* Suite::gpu_backend() const {
  for (const ShownBackend& shown : backends_) {
    const kernels::Backend& backend = *shown.backend;
    if (backend.gpu_works != nullptr && backend.on_gpu()) return &shown;
  }
  return nullptr;
}

const MeasuredCeilings& Suite::gpu_ceilings() {
  if (!options_.gpu_ceilings) options_.gpu_ceilings = MeasureGpuCeilings(*gpu_backend()->backend);
  return *options_.gpu_ceilings;
}

double Suite::MinTimeOf(const Row& row) const {
  return std::min(options_.min_time_s, row.min_time_s.value_or(options_.min_time_s));
}

void Suite::PinPool(bool pin) {
  if (options_.cpus.empty() || pin == asked_to_pin_) return;
  asked_to_pin_ = pin;
  if (pin) pool_.Pin(options_.cpus);
  if (!pin) pool_.Unpin(allowed_cpus_);
}

RowState& Suite::BeginRow(const Row& row) {
  if (row_state_.name != row.name) {
    // Rows of our CPU backends end in "cpu" or "cpu_<isa>".
    const std::string backend = row.name.substr(row.name.rfind('/') + 1);
    PinPool(backend.rfind("cpu", 0) == 0);
    row_state_ = RowState();
    row_state_.name = row.name;
    row_state_.min_time_s = MinTimeOf(row);
  }
  return row_state_;
}

}  // namespace wattline::benchmarks
