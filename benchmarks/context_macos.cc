#include <sys/sysctl.h>

#include <cstddef>
#include <cstring>

#include "benchmarks/mac_facts.h"
#include "benchmarks/topology.h"

namespace wattline::benchmarks {
namespace {

std::optional<std::string> SysctlText(const std::string& name) {
  size_t byte = 0;
  if (sysctlbyname(name.c_str(), nullptr, &byte, nullptr, 0) != 0 || byte == 0) {
    return std::nullopt;
  }
  std::string text(byte, '\0');
  if (sysctlbyname(name.c_str(), text.data(), &byte, nullptr, 0) != 0) return std::nullopt;
  text.resize(std::strlen(text.c_str()));
  return text;
}

// Integers are 4 or 8 bytes wide.
std::optional<int64_t> SysctlCount(const std::string& name) {
  int64_t wide = 0;
  size_t byte = sizeof(wide);
  if (sysctlbyname(name.c_str(), &wide, &byte, nullptr, 0) != 0) return std::nullopt;
  if (byte == sizeof(wide)) return wide;
  if (byte != sizeof(int32_t)) return std::nullopt;
  int32_t narrow = 0;
  std::memcpy(&narrow, &wide, sizeof(narrow));
  return narrow;
}

}  // namespace

SystemFacts FindSystemFacts() { return MacFacts({SysctlText, SysctlCount}, AskMacSystem()); }

}  // namespace wattline::benchmarks
