#include "benchmarks/probe.h"

#include <cassert>
#include <cmath>
#include <utility>

namespace wattline::benchmarks {
namespace {

// A part of the energy that was measured by one domain of a meter.
std::string DomainCounter(const std::string& domain) { return "J:" + domain; }

}  // namespace

Measured EnergyProbe::End(int64_t iterations) {
  assert(iterations > 0);
  const energy::WindowEnergy window = window_.End();
  Measured measured;
  measured.elapsed_s = window.elapsed_s;
  measured.short_window = window.short_window;
  const auto count = static_cast<double>(iterations);
  if (window.total) {
    measured.joules = window.total->joules / count;
    measured.joules_err = window.total->err_j / count;
    if (window.elapsed_s > 0) measured.watts = window.total->joules / window.elapsed_s;
  }
  for (const energy::DomainEnergy& domain : window.domains) {
    measured.domains.push_back({domain.name, domain.energy.joules / count});
  }
  return measured;
}

std::vector<std::string> EnergyCounterNames(const energy::MeterSet* meters) {
  if (!meters || meters->meters.empty()) return {};
  std::vector<std::string> names = {"joules", "joules_err", "watts"};
  for (const std::string& domain : meters->DomainNames()) names.push_back(DomainCounter(domain));
  return names;
}

bool SetEnergyCounters(const Measured& measured, const energy::MeterSet* meters,
                       benchmark::UserCounters& counters) {
  size_t set = 0;
  const auto put = [&](const std::string& name, std::optional<double> value) {
    if (!value || !std::isfinite(*value)) return;
    counters[name] = *value;
    ++set;
  };
  put("joules", measured.joules);
  put("joules_err", measured.joules_err);
  put("watts", measured.watts);
  for (const Measured::Domain& domain : measured.domains) {
    put(DomainCounter(domain.name), domain.joules);
  }
  return set == EnergyCounterNames(meters).size();
}

}  // namespace wattline::benchmarks
