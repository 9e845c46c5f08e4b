#include "energy/meter.h"

#include <fmt/format.h>

namespace wattline::energy {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kSampled:
      return "sampled";
    case Kind::kModelled:
      return "modelled";
  }
  return "unknown";
}

std::string Plural(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::optional<double> Difference(const Reading& begin, const Reading& end, size_t domain) {
  if (begin.generation != end.generation) return std::nullopt;
  if (domain >= begin.values.size() || domain >= end.values.size()) return std::nullopt;
  if (!begin.values[domain] || !end.values[domain]) return std::nullopt;
  return end.values[domain]->joules - begin.values[domain]->joules;
}

void Meter::SetBehaviour(const Behaviour& behaviour, const std::vector<size_t>& frozen) {
  info_.behaviour = behaviour;
  for (const size_t d : frozen) {
    Domain& domain = info_.domains[d];
    domain.frozen = true;
    domain.in_total = false;
    if (!info_.note.empty()) info_.note += "; ";
    info_.note += fmt::format("its counter of {} stands still and is left out", domain.name);
  }
}

std::vector<std::string> MeterSet::DomainNames() const {
  std::vector<std::string> names;
  for (const auto& meter : meters) {
    for (const Domain& domain : meter->info().domains) {
      if (!domain.frozen) names.push_back(domain.name);
    }
  }
  return names;
}

Parts MeterSet::Covered() const {
  Parts parts = 0;
  for (const auto& meter : meters) {
    for (const Domain& domain : meter->info().domains) {
      if (domain.in_total) parts |= domain.parts;
    }
  }
  return parts;
}

std::string Describe(const MeterInfo& info) {
  std::string text = fmt::format("{}: {}", info.name, KindName(info.kind));
  for (const Domain& domain : info.domains) {
    if (!domain.frozen) text += fmt::format(", {} ({})", domain.name, domain.scope);
  }
  if (info.behaviour) text += fmt::format(", tick {:.3g} ms", info.behaviour->tick_s * 1e3);
  if (info.lsb_j) text += fmt::format(", step {:.3g} uJ", *info.lsb_j * 1e6);
  if (info.behaviour) {
    text += fmt::format(", a read takes {:.3g} us", info.behaviour->read_cost_s * 1e6);
  }
  if (!info.note.empty()) text += "; " + info.note;
  return text;
}

}  // namespace wattline::energy
