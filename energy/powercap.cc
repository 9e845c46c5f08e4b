#include "energy/powercap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "energy/unwrap.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// No package draws more: the largest sockets of 2025 are rated at 500 W.
constexpr double kHighest_uw = 1e9;

constexpr std::string_view kHelp =
    "to let this user read it until the next boot: sudo chmod a+r "
    "/sys/class/powercap/intel-rapl*/energy_uj; for good: the udev rule in energy/README.md";

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A zone's directory: "intel-rapl:0", "intel-rapl:0:2", "intel-rapl-mmio:0".
struct ZoneName {
  bool mmio = false;
  int depth = 0;  // 1: top, 2: part of a top one
};
std::optional<ZoneName> ParseZoneName(std::string_view name) {
  ZoneName zone;
  for (const std::string_view prefix : {"intel-rapl-mmio:", "intel-rapl:"}) {
    if (!name.starts_with(prefix)) continue;
    zone.mmio = prefix != "intel-rapl:";
    name.remove_prefix(prefix.size());
    while (true) {
      const size_t colon = name.find(':');
      if (!IsNumber(name.substr(0, colon))) return std::nullopt;
      ++zone.depth;
      if (colon == std::string_view::npos) return zone;
      name.remove_prefix(colon + 1);
    }
  }
  return std::nullopt;
}

// "package-0" -> "0"; "package-0-die-1" -> "0" with `die`. Nothing for other names.
struct PackageName {
  std::string number;
  bool die = false;
};
std::optional<PackageName> ParsePackageName(std::string_view name) {
  if (!name.starts_with("package-")) return std::nullopt;
  name.remove_prefix(std::string_view("package-").size());
  const size_t dash = name.find('-');
  PackageName package{std::string(name.substr(0, dash)), dash != std::string_view::npos};
  if (!IsNumber(package.number)) return std::nullopt;
  if (package.die) {
    const std::string_view rest = name.substr(dash);
    if (!rest.starts_with("-die-") || !IsNumber(rest.substr(5))) return std::nullopt;
  }
  return package;
}

struct Zone {
  fs::path folder;
  std::string id;  // the directory's name without "-mmio": the same for both ways to one counter
  std::string parent;  // id of the zone that this one is a part of; empty at the top
  std::string name;    // "package-0", "dram"
  bool mmio = false;
};

// All zones by id. The class directory lists parts flat, beside their
// package; a recorded tree may have them only inside it.
std::map<std::string, Zone> FindZones(const fs::path& folder, const FileReader& read) {
  std::map<std::string, Zone> zones;
  std::vector<fs::path> candidates;
  const auto list = [&candidates](const fs::path& parent) {
    std::error_code fault;
    for (fs::directory_iterator it(parent, fault), end; !fault && it != end; it.increment(fault)) {
      if (ParseZoneName(it->path().filename().string())) candidates.push_back(it->path());
    }
  };
  list(folder);
  for (size_t i = 0, top = candidates.size(); i < top; ++i) list(fs::path(candidates[i]));
  for (const fs::path& candidate : candidates) {
    const std::string file = candidate.filename().string();
    const ZoneName parsed = *ParseZoneName(file);
    const FileText name = read(candidate / "name");
    if (name.error != 0) continue;
    Zone zone{candidate, file, "", name.text, parsed.mmio};
    if (parsed.depth > 1) zone.parent = file.substr(0, file.rfind(':'));
    zones.emplace(file, zone);
  }
  return zones;
}

struct Counter {
  fs::path file;
  Unwrapper unwrap;
};

std::optional<uint64_t> ReadMicrojoule(const fs::path& file, const FileReader& read) {
  const FileText text = read(file);
  if (text.error != 0) return std::nullopt;
  return ParseCount(text.text);
}

struct OpenedCounter {
  std::optional<Counter> counter;
  std::optional<double> lsb_j;
  std::string why_not;
};

OpenedCounter OpenCounter(const fs::path& folder, const MeterOptions& options) {
  const fs::path file = folder / "energy_uj";
  const FileText value = options.read(file);
  if (value.error == EACCES || value.error == EPERM) {
    return {
        {}, {}, fmt::format("{} is there but not readable by this user; {}", file.string(), kHelp)};
  }
  if (value.error != 0) {
    return {{}, {}, fmt::format("{}: {}", file.string(), std::strerror(value.error))};
  }
  if (!ParseCount(value.text)) {
    return {{}, {}, fmt::format("{} holds '{}', which is no number", file.string(), value.text)};
  }
  const std::optional<uint64_t> range_uj =
      ReadMicrojoule(folder / "max_energy_range_uj", options.read);
  if (!range_uj || *range_uj == 0) {
    return {Counter{file, Unwrapper(std::nullopt, kHighest_uw)}, {}, ""};
  }
  // The register has 32 bits, so that the range is 2^32 - 1 steps and the counter is 0 again one
  // step after it. The kernel cuts to whole microjoules.
  const uint64_t step_uj = *range_uj / 0xffffffffu;
  const double lsb_j = std::max(1e-6, static_cast<double>(*range_uj) / 0xffffffffu * 1e-6);
  return {Counter{file, Unwrapper(*range_uj + step_uj, kHighest_uw)}, lsb_j, ""};
}

class PowercapMeter : public Meter {
 public:
  PowercapMeter(MeterInfo info, std::vector<std::vector<Counter>> domains,
                const MeterOptions& options)
      : Meter(std::move(info)),
        domains_(std::move(domains)),
        read_(options.read),
        clock_(*options.clock) {}

  Reading Read() override {
    Reading reading;
    reading.values.resize(domains_.size());
    reading.before = clock_.Now();
    bool lost = false;
    for (size_t d = 0; d < domains_.size(); ++d) {
      uint64_t total_uj = 0;
      bool whole = true;
      for (Counter& counter : domains_[d]) {
        const std::optional<uint64_t> value_uj = ReadMicrojoule(counter.file, read_);
        if (!value_uj) {
          whole = false;
          continue;
        }
        const Unwrapper::Gained gained = counter.unwrap.Next(*value_uj, clock_.Now());
        lost = lost || !gained.known;
        total_uj += gained.total;
      }
      if (whole) reading.values[d] = Value{.joules = static_cast<double>(total_uj) * 1e-6};
    }
    if (lost) ++generation_;
    reading.generation = generation_;
    reading.after = clock_.Now();
    return reading;
  }

 private:
  std::vector<std::vector<Counter>> domains_;
  FileReader read_;
  Clock& clock_;
  uint32_t generation_ = 0;
};

std::string Plural(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// The packages to be summed: MMIO twins and dies of a package that is there as a whole left out.
std::vector<Zone> ChoosePackages(const std::map<std::string, Zone>& zones) {
  std::map<std::string, Zone> by_name;
  for (const auto& [id, zone] : zones) {
    if (!ParsePackageName(zone.name) || !zone.parent.empty()) continue;
    const auto [it, added] = by_name.emplace(zone.name, zone);
    if (!added && it->second.mmio && !zone.mmio) it->second = zone;
  }
  std::vector<Zone> packages;
  for (const auto& [name, zone] : by_name) {
    const PackageName package = *ParsePackageName(name);
    if (package.die && by_name.count("package-" + package.number) != 0) continue;
    packages.push_back(zone);
  }
  return packages;
}

}  // namespace

Opened OpenPowercap(const MeterOptions& options) {
  const fs::path folder = options.root / "sys/class/powercap";
  std::error_code fault;
  if (!fs::is_directory(folder, fault)) {
    return {nullptr, fmt::format("{} is absent: this system has no RAPL counters, or hides them "
                                 "(virtual machines and containers do)",
                                 folder.string())};
  }
  const std::map<std::string, Zone> zones = FindZones(folder, options.read);
  const std::vector<Zone> packages = ChoosePackages(zones);
  if (packages.empty()) {
    return {nullptr, fmt::format("{} has no zone of a CPU package; sudo modprobe intel_rapl_msr "
                                 "may bring it",
                                 folder.string())};
  }

  MeterInfo info;
  info.name = "rapl";
  info.lsb_j = 0;
  const auto add = [&](std::vector<Counter>& counters, const Zone& zone) {
    OpenedCounter opened = OpenCounter(zone.folder, options);
    if (!opened.counter) return opened.why_not;
    counters.push_back(std::move(*opened.counter));
    // A sum of counters is short by up to a step of each.
    if (info.lsb_j && opened.lsb_j) {
      *info.lsb_j += *opened.lsb_j;
    } else {
      info.lsb_j = std::nullopt;
    }
    return std::string();
  };
  std::vector<Counter> package_counters;
  std::vector<Counter> dram_counters;
  for (const Zone& package : packages) {
    if (std::string why_not = add(package_counters, package); !why_not.empty()) {
      return {nullptr, why_not};
    }
    for (const auto& [id, zone] : zones) {
      if (zone.parent != package.id || zone.name != "dram") continue;
      if (std::string why_not = add(dram_counters, zone); !why_not.empty()) {
        return {nullptr, why_not};
      }
    }
  }
  std::vector<std::vector<Counter>> counters;
  info.domains.push_back({"cpu", Plural(packages.size(), "package"), kCpuPart});
  counters.push_back(std::move(package_counters));
  if (!dram_counters.empty()) {
    info.domains.push_back(
        {"dram", "memory of " + Plural(dram_counters.size(), "package"), kDramPart});
    counters.push_back(std::move(dram_counters));
  } else {
    info.note = "memory is not in it";
  }
  return {std::make_unique<PowercapMeter>(std::move(info), std::move(counters), options), ""};
}

}  // namespace wattline::energy
