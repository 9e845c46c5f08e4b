#include "roofline/gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

std::optional<double> FindCounter(const std::map<std::string, double>& counters, const char* name) {
  const auto found = counters.find(name);
  if (found == counters.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::string NotTimed(double doubling) {
  if (doubling >= kLeastDoubling) return {};
  return fmt::format(
      "twice the work took {:.3g} times as long: {:.0f} % of its time is a fixed cost, or the work "
      "was not waited for",
      doubling, 100 * std::clamp(2 - doubling, 0.0, 1.0));
}

std::string FailedGate(const std::map<std::string, double>& counters) {
  const std::optional<double> doubling = FindCounter(counters, "doubling");
  // Written so that a NaN fails too.
  if (doubling && !(std::abs(*doubling / 2 - 1) <= kDoublingShare)) {
    return fmt::format("doubled work took {:.3g} times as long, not 2 within {:.0f} %", *doubling,
                       100 * kDoublingShare);
  }
  const std::optional<double> spread = FindCounter(counters, "spread");
  if (spread && !(*spread <= kMostSpread)) {
    return fmt::format("spread {:.2g} % is above {:.0f} %", 100 * *spread, 100 * kMostSpread);
  }
  const std::optional<double> drift = FindCounter(counters, "drift");
  if (drift && !(*drift <= kMostDrift)) {
    return fmt::format("drift {:.2g} % is above {:.0f} %", 100 * *drift, 100 * kMostDrift);
  }
  return {};
}

}  // namespace wattline::roofline
