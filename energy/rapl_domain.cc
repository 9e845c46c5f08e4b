#include "energy/rapl_domain.h"

#include <fmt/format.h>

namespace wattline::energy {

std::string_view RaplName(RaplPart part) {
  switch (part) {
    case RaplPart::kPackage:
      return "cpu";
    case RaplPart::kDram:
      return "dram";
    case RaplPart::kCore:
      return "core";
    case RaplPart::kUncore:
      return "uncore";
    case RaplPart::kPsys:
      return "psys";
  }
  return "unknown";
}

Domain RaplDomain(RaplPart part, RaplCount count) {
  std::string packages = Plural(count.packages, "package");
  if (count.counters > count.packages) {
    packages = fmt::format("{} of {}", Plural(count.counters, "die"), packages);
  }
  Domain domain;
  domain.name = RaplName(part);
  switch (part) {
    case RaplPart::kPackage:
      domain.scope = packages;
      domain.parts = kCpuPart;
      break;
    case RaplPart::kDram:
      domain.scope = "memory of " + packages;
      domain.parts = kDramPart;
      break;
    case RaplPart::kCore:
      domain.scope = "cores of " + packages;
      domain.parts = kCpuPart;
      domain.in_total = false;
      break;
    case RaplPart::kUncore:  // on client chips, the only ones that have it: PP1
      domain.scope = "graphics of " + packages;
      domain.parts = kGpuPart;
      domain.in_total = false;
      domain.may_rest = true;
      break;
    case RaplPart::kPsys:
      domain.scope = "platform";
      domain.parts = kWholeMachine;
      domain.in_total = false;
      break;
  }
  return domain;
}

void RaplNote::LeaveOut(RaplPart part, std::string_view why) {
  if (!left_out_.empty()) left_out_ += "; ";
  left_out_ += fmt::format("{} is left out: {}", RaplName(part), why);
}

std::string RaplNote::Text(bool has_dram) const {
  if (has_dram) return left_out_;
  return left_out_.empty() ? "memory is not in it" : "memory is not in it; " + left_out_;
}

}  // namespace wattline::energy
