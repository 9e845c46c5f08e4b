#include "benchmarks/mac_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "benchmarks/topology.h"

namespace wattline::benchmarks {
namespace {

std::string SmallLetters(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void AddCaches(const Sysctls& sysctl, const std::string& level, const CoreKind& kind,
               SystemFacts& facts) {
  struct Sort {
    int number;
    const char* type;
    const char* byte_key;
    const char* cpus_key;  // null: each CPU has its own
  };
  constexpr Sort kSorts[] = {{1, "instruction", "l1icachesize", nullptr},
                             {1, "data", "l1dcachesize", nullptr},
                             {2, "unified", "l2cachesize", "cpusperl2"},
                             {3, "unified", "l3cachesize", "cpusperl3"}};
  for (const Sort& sort : kSorts) {
    const std::optional<int64_t> byte = sysctl.count(level + sort.byte_key);
    if (!byte || *byte <= 0) continue;
    int cpus = 1;
    if (sort.cpus_key) {
      cpus = static_cast<int>(sysctl.count(level + sort.cpus_key).value_or(kind.logical));
    }
    cpus = std::clamp(cpus, 1, std::max(1, kind.logical));
    // The last cluster of a chip with cores switched off may be smaller.
    const int count = (kind.logical + cpus - 1) / cpus;
    facts.caches.push_back({sort.number, sort.type, kind.name, *byte, count, cpus});
  }
}

// The kinds of cores, level 0 the fastest (sys/sysctl.h), with their caches. Macs before Apple's
// chips have no levels.
void AddCores(const Sysctls& sysctl, SystemFacts& facts) {
  const int levels = static_cast<int>(sysctl.count("hw.nperflevels").value_or(0));
  for (int level = 0; level < levels; ++level) {
    const std::string key = fmt::format("hw.perflevel{}.", level);
    CoreKind kind;
    // macOS 12 has no names: those chips have performance and efficiency cores.
    kind.name = SmallLetters(sysctl.text(key + "name").value_or(KindOfRank(level, levels)));
    kind.physical = static_cast<int>(sysctl.count(key + "physicalcpu").value_or(0));
    kind.logical = static_cast<int>(sysctl.count(key + "logicalcpu").value_or(kind.physical));
    kind.usable = kind.physical;
    // Chips since M5 have kinds above efficiency other than "performance"; all of them do the work.
    kind.by_default = kind.name != kEfficiencyCores;
    AddCaches(sysctl, key, kind, facts);
    facts.cores.push_back(std::move(kind));
  }
}

void AddPowerState(const MacSystem& system, SystemFacts& facts) {
  if (system.power_source == "AC Power") facts.power_source = "mains";
  if (system.power_source == "Battery Power") facts.power_source = "battery";
  if (system.power_source == "UPS Power") facts.power_source = "ups";
  facts.low_power_mode = system.low_power_mode;
  // libkern/OSThermalNotification.h. In a guest nobody publishes the level, so that its 0 means
  // nothing.
  constexpr std::array<std::string_view, 5> kLevels = {"nominal", "moderate", "heavy", "trapping",
                                                       "sleeping"};
  if (system.thermal_level && *system.thermal_level < kLevels.size() &&
      facts.virtual_machine == false) {
    facts.thermal_pressure = kLevels[static_cast<size_t>(*system.thermal_level)];
  }
}

}  // namespace

SystemFacts MacFacts(const Sysctls& sysctl, const MacSystem& system) {
  SystemFacts facts;
  facts.chip = sysctl.text("machdep.cpu.brand_string").value_or("unknown chip");
  facts.chip_slug = ChipSlug(facts.chip, {}, {});
  if (facts.chip.starts_with("Apple")) facts.vendor = "Apple";
  facts.machine = sysctl.text("hw.model");
  facts.memory_byte = sysctl.count("hw.memsize");
  if (const auto version = sysctl.text("kern.osproductversion")) facts.os = "macOS " + *version;
  facts.kernel = sysctl.text("kern.osrelease");
  if (const auto guest = sysctl.count("kern.hv_vmm_present")) facts.virtual_machine = *guest != 0;

  AddCores(sysctl, facts);
  if (const auto cores = sysctl.count("hw.physicalcpu")) {
    facts.physical_cores = static_cast<int>(*cores);
  }
  AddPowerState(system, facts);
  facts.gpu_cores = system.gpu_cores;
  return facts;
}

}  // namespace wattline::benchmarks
