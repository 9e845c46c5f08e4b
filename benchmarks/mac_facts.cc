#include "benchmarks/mac_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

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

}  // namespace

SystemFacts MacFacts(const Sysctls& sysctl) {
  SystemFacts facts;
  facts.chip = sysctl.text("machdep.cpu.brand_string").value_or("unknown chip");
  facts.chip_slug = ChipSlug(facts.chip, {}, {});
  if (facts.chip.starts_with("Apple")) facts.vendor = "Apple";
  facts.machine = sysctl.text("hw.model");
  facts.memory_byte = sysctl.count("hw.memsize");
  if (const auto version = sysctl.text("kern.osproductversion")) facts.os = "macOS " + *version;
  facts.kernel = sysctl.text("kern.osrelease");
  if (const auto guest = sysctl.count("kern.hv_vmm_present")) facts.virtual_machine = *guest != 0;

  // Level 0 is the fastest (sys/sysctl.h). Macs before Apple's chips have no levels.
  const int levels = static_cast<int>(sysctl.count("hw.nperflevels").value_or(0));
  int threads = 0;
  for (int level = 0; level < levels; ++level) {
    const std::string key = fmt::format("hw.perflevel{}.", level);
    CoreKind kind;
    kind.name = SmallLetters(sysctl.text(key + "name").value_or(fmt::format("level {}", level)));
    kind.physical = static_cast<int>(sysctl.count(key + "physicalcpu").value_or(0));
    kind.logical = static_cast<int>(sysctl.count(key + "logicalcpu").value_or(kind.physical));
    // Chips since M5 have two kinds above "efficiency"; both do the work.
    if (kind.name != "efficiency") threads += kind.physical;
    AddCaches(sysctl, key, kind, facts);
    facts.cores.push_back(std::move(kind));
  }
  if (threads == 0) threads = static_cast<int>(sysctl.count("hw.physicalcpu").value_or(1));
  facts.default_threads = std::max(1, threads);
  return facts;
}

}  // namespace wattline::benchmarks
