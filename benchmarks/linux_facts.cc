#include "benchmarks/linux_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>

namespace wattline::benchmarks {
namespace {

namespace fs = std::filesystem;

// First line of a file; absent where there is none.
std::optional<std::string> Line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty()) return std::nullopt;
  return line;
}

std::optional<double> NumberIn(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  char* stop = nullptr;
  const double value = std::strtod(text->c_str(), &stop);
  if (stop == text->c_str()) return std::nullopt;
  return value;
}

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\"");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\"") - first + 1));
}

// "key: value" or "key=value" lines; the first of equal keys counts.
std::map<std::string, std::string> Pairs(const fs::path& file, char separator) {
  std::map<std::string, std::string> pairs;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t at = line.find(separator);
    if (at == std::string::npos) continue;
    pairs.emplace(Trimmed(std::string_view(line).substr(0, at)),
                  Trimmed(std::string_view(line).substr(at + 1)));
  }
  return pairs;
}

std::optional<std::string> Get(const std::map<std::string, std::string>& pairs, const char* key) {
  const auto found = pairs.find(key);
  if (found == pairs.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<int> Integer(const std::optional<std::string>& text) {
  const std::optional<double> value = NumberIn(text);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

// Arm CPUs give numbers for a name (MIDR_EL1). Server cores and those of boards that run models.
std::string ArmName(const std::map<std::string, std::string>& cpu) {
  struct Known {
    std::string_view implementer, part, name;
  };
  constexpr std::array<Known, 12> kKnown = {{{"0x41", "0xd0c", "Arm Neoverse-N1"},
                                             {"0x41", "0xd40", "Arm Neoverse-V1"},
                                             {"0x41", "0xd49", "Arm Neoverse-N2"},
                                             {"0x41", "0xd4f", "Arm Neoverse-V2"},
                                             {"0x41", "0xd84", "Arm Neoverse-V3"},
                                             {"0x41", "0xd8e", "Arm Neoverse-N3"},
                                             {"0x41", "0xd08", "Arm Cortex-A72"},
                                             {"0x41", "0xd0b", "Arm Cortex-A76"},
                                             {"0x41", "0xd41", "Arm Cortex-A78"},
                                             {"0x41", "0xd42", "Arm Cortex-A78AE"},
                                             {"0xc0", "0xac3", "Ampere-1"},
                                             {"0xc0", "0xac4", "Ampere-1a"}}};
  const std::string implementer = Get(cpu, "CPU implementer").value_or("unknown");
  const std::string part = Get(cpu, "CPU part").value_or("unknown");
  for (const Known& known : kKnown) {
    if (known.implementer == implementer && known.part == part) return std::string(known.name);
  }
  return fmt::format("Arm implementer {} part {}", implementer, part);
}

void NameChip(const fs::path& root, SystemFacts& facts) {
  const std::map<std::string, std::string> cpu = Pairs(root / "proc/cpuinfo", ':');
  facts.vendor = Get(cpu, "vendor_id");
  facts.family = Integer(Get(cpu, "cpu family"));
  // On x86 a number; some Arm kernels use the key for a name.
  if (facts.family) facts.model = Integer(Get(cpu, "model"));
  facts.stepping = Integer(Get(cpu, "stepping"));
  const bool arm = Get(cpu, "CPU implementer").has_value();
  facts.chip = Get(cpu, "model name").value_or(arm ? ArmName(cpu) : "unknown chip");
  facts.chip_slug = ChipSlug(facts.chip, facts.family, facts.model);
  if (const auto flags = Get(cpu, "flags")) {
    facts.virtual_machine = fmt::format(" {} ", *flags).find(" hypervisor ") != std::string::npos;
  }
}

// Virtual Arm machines show themselves by their firmware's maker; others leave it open.
void LookForHypervisor(const fs::path& root, SystemFacts& facts) {
  if (facts.virtual_machine) return;
  const std::string maker = Line(root / "sys/class/dmi/id/sys_vendor").value_or("");
  for (const char* known :
       {"QEMU", "Amazon EC2", "Google", "Microsoft Corporation", "VMware, Inc."}) {
    if (maker == known) facts.virtual_machine = true;
  }
  if (fs::exists(root / "proc/device-tree/hypervisor")) facts.virtual_machine = true;
}

std::vector<int> AllowedCpus(const fs::path& root, const Topology& topology) {
  const auto status = Pairs(root / "proc/self/status", ':');
  if (const auto list = Get(status, "Cpus_allowed_list")) return ParseCpuList(*list);
  std::vector<int> all;
  for (const Core& core : topology.cores) all.insert(all.end(), core.cpus.begin(), core.cpus.end());
  return all;
}

// CPUs' worth of time that the control groups grant: the least of this group and those above it.
std::optional<double> GrantedCpus(const fs::path& root) {
  std::optional<double> least;
  const auto take = [&least](std::optional<double> quota_us, std::optional<double> period_us) {
    if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return;
    least = std::min(least.value_or(1e9), *quota_us / *period_us);
  };
  const auto climb = [&](const fs::path& mount, std::string group, auto&& look) {
    while (true) {
      look(mount / fs::path(group).relative_path());
      if (group.empty() || group == "/") return;
      group = fs::path(group).parent_path().string();
    }
  };
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    // "0::/user.slice" is version 2, "1:cpu,cpuacct:/docker/..." version 1.
    const size_t second = line.find(':');
    const size_t third = line.find(':', second + 1);
    if (second == std::string::npos || third == std::string::npos) continue;
    const std::string controllers = line.substr(second + 1, third - second - 1);
    const std::string group = line.substr(third + 1);
    if (group.find("..") != std::string::npos) continue;
    if (controllers.empty()) {
      climb(root / "sys/fs/cgroup", group, [&](const fs::path& folder) {
        const std::optional<std::string> both = Line(folder / "cpu.max");  // "max 100000"
        if (!both) return;
        const size_t space = both->find(' ');
        if (space == std::string::npos) return;
        take(NumberIn(both->substr(0, space)), NumberIn(both->substr(space + 1)));
      });
    } else if (fmt::format(",{},", controllers).find(",cpu,") != std::string::npos) {
      climb(root / "sys/fs/cgroup/cpu", group, [&](const fs::path& folder) {
        take(NumberIn(Line(folder / "cpu.cfs_quota_us")),
             NumberIn(Line(folder / "cpu.cfs_period_us")));
      });
    }
  }
  return least;
}

void LookAtClock(const fs::path& root, SystemFacts& facts) {
  const fs::path cpu = root / "sys/devices/system/cpu";
  facts.governor = Line(cpu / "cpu0/cpufreq/scaling_governor");
  if (const auto khz = NumberIn(Line(cpu / "cpu0/cpufreq/cpuinfo_max_freq"))) {
    facts.highest_clock_hz = *khz * 1e3;
  }
  if (const auto off = NumberIn(Line(cpu / "intel_pstate/no_turbo"))) {
    facts.turbo = *off == 0;
  } else if (const auto on = NumberIn(Line(cpu / "cpufreq/boost"))) {
    facts.turbo = *on != 0;
  }
}

void LookAtHeatAndPower(const fs::path& root, SystemFacts& facts) {
  std::error_code fault;
  for (const auto& zone : fs::directory_iterator(root / "sys/class/thermal", fault)) {
    if (!zone.path().filename().string().starts_with("thermal_zone")) continue;
    const std::optional<double> millicelsius = NumberIn(Line(zone.path() / "temp"));
    if (!millicelsius || *millicelsius <= 0) continue;  // some sensors show 0 or less when absent
    facts.hottest_celsius = std::max(facts.hottest_celsius.value_or(0), *millicelsius / 1e3);
  }
  for (const auto& supply : fs::directory_iterator(root / "sys/class/power_supply", fault)) {
    const std::string type = Line(supply.path() / "type").value_or("");
    if (type == "Mains" && NumberIn(Line(supply.path() / "online")).value_or(0) > 0) {
      facts.power_source = "mains";
    }
    if (type == "Battery" && Line(supply.path() / "status").value_or("") == "Discharging" &&
        !facts.power_source) {
      facts.power_source = "battery";
    }
  }
}

}  // namespace

SystemFacts LinuxFacts(const fs::path& root, const Topology& topology) {
  SystemFacts facts;
  NameChip(root, facts);
  LookForHypervisor(root, facts);
  facts.cores = CoreKindsOf(topology, AllowedCpus(root, topology));
  facts.caches = topology.caches;
  facts.granted_cpus = GrantedCpus(root);

  // "16384 kB", which are KiB.
  if (const auto kib = NumberIn(Get(Pairs(root / "proc/meminfo", ':'), "MemTotal"))) {
    facts.memory_byte = static_cast<int64_t>(*kib) * 1024;
  }
  facts.os = Get(Pairs(root / "etc/os-release", '='), "PRETTY_NAME");
  facts.kernel = Line(root / "proc/sys/kernel/osrelease");
  LookAtClock(root, facts);
  LookAtHeatAndPower(root, facts);
  return facts;
}

}  // namespace wattline::benchmarks
