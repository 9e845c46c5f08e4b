#include "energy/rapl_zones.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "energy/kept_file.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A zone's directory: "intel-rapl:0", "intel-rapl:0:2", "intel-rapl-mmio:0". AMD's are so named
// too.
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
  std::string id;      // "intel-rapl:0:1"
  std::string parent;  // id of the zone that this one is a part of; empty at the top
  std::string name;    // "package-0", "dram"
  bool mmio = false;
};

struct Listing {
  std::map<std::string, Zone> zones;  // by id
  // The first zone that is listed but whose name cannot be read, and the error. It might be any.
  fs::path nameless;
  int error = 0;
};

// The class directory lists parts flat, beside their package; a recorded tree may have them only
// inside it.
Listing ListZones(const fs::path& folder, const FileReader& read) {
  Listing listing;
  std::vector<fs::path> candidates;
  const auto list = [&candidates](const fs::path& parent) {
    std::error_code fault;
    for (fs::directory_iterator it(parent, fault), end; !fault && it != end; it.increment(fault)) {
      if (ParseZoneName(it->path().filename().string())) candidates.push_back(it->path());
    }
  };
  list(folder);
  std::sort(candidates.begin(), candidates.end());
  for (size_t i = 0, top = candidates.size(); i < top; ++i) list(fs::path(candidates[i]));
  std::vector<std::pair<fs::path, int>> unread;
  for (const fs::path& candidate : candidates) {
    const std::string id = candidate.filename().string();
    const ZoneName parsed = *ParseZoneName(id);
    const FileText name = KeptFile(candidate / "name", read).Read();
    if (name.error != 0) {
      unread.emplace_back(candidate, name.error);
      continue;
    }
    Zone zone{candidate, id, "", name.text, parsed.mmio};
    if (parsed.depth > 1) zone.parent = id.substr(0, id.rfind(':'));
    listing.zones.emplace(id, zone);
  }
  for (const auto& [candidate, error] : unread) {
    if (listing.error != 0 || listing.zones.count(candidate.filename().string()) != 0) continue;
    listing.nameless = candidate;
    listing.error = error;
  }
  return listing;
}

std::string WhyPowercapAbsent(const fs::path& folder, const Surroundings& here) {
  if (!here.virtual_machine.empty()) {
    return fmt::format(
        "{} is absent: this is {}, whose host keeps the RAPL counters to itself; "
        "measure on the host",
        folder.string(), here.virtual_machine);
  }
  if (here.vendor == Vendor::kUnknown) {
    return fmt::format(
        "{} is absent: only Linux on CPUs of Intel (since Sandy Bridge) and AMD "
        "(since Zen) has it",
        folder.string());
  }
  return fmt::format(
      "{} is absent: sudo modprobe intel_rapl_msr may bring it, else the kernel was "
      "built without CONFIG_POWERCAP",
      folder.string());
}

std::string WhyNoPackage(const fs::path& folder, const Listing& listing, const Surroundings& here) {
  if (listing.error == EACCES || listing.error == EPERM) {
    return fmt::format("{} is there but not readable by this user; {}",
                       (listing.nameless / "name").string(), kRaplRights);
  }
  // Docker and podman lay an empty directory over /sys/devices/virtual/powercap, where the links of
  // the class directory lead (CVE-2020-8694, advisory GMS-2023-3981).
  if (listing.error == ENOENT) {
    return fmt::format(
        "{} is listed but leads nowhere: {} hides the RAPL counters; start it with "
        "-v /:/host:ro and run with --meter_root=/host",
        listing.nameless.string(), here.container.empty() ? "a container" : here.container);
  }
  if (listing.error != 0) {
    return fmt::format("{}: {}", (listing.nameless / "name").string(),
                       std::strerror(listing.error));
  }
  if (!here.virtual_machine.empty()) {
    return fmt::format(
        "{} has no zone of a CPU package: this is {}, whose host keeps the RAPL "
        "counters to itself; measure on the host",
        folder.string(), here.virtual_machine);
  }
  return fmt::format("{} has no zone of a CPU package; sudo modprobe intel_rapl_msr may bring it",
                     folder.string());
}

// The packages and dies to be summed, of one package's zones at the top.
std::vector<Zone> ChooseOfPackage(std::vector<Zone> zones, const Surroundings& here) {
  const auto is_msr = [](const Zone& zone) { return !zone.mmio; };
  const auto is_whole = [](const Zone& zone) { return !ParsePackageName(zone.name)->die; };
  const auto keep = [&zones](const auto& good) {
    if (std::none_of(zones.begin(), zones.end(), good)) return;
    std::erase_if(zones, [&good](const Zone& zone) { return !good(zone); });
  };
  keep(is_msr);
  keep(is_whole);
  std::set<std::string> names;
  std::erase_if(zones, [&names](const Zone& zone) { return !names.insert(zone.name).second; });
  if (RaplDiesShareACounter(here)) zones.resize(1);
  return zones;
}

// The zones called `name` inside `parents`.
std::vector<RaplZone> ZonesInside(const std::vector<Zone>& parents, std::string_view name,
                                  const std::string& package, const Listing& listing) {
  std::vector<RaplZone> found;
  for (const Zone& parent : parents) {
    for (const auto& [id, zone] : listing.zones) {
      if (zone.parent == parent.id && zone.name == name) found.push_back({zone.folder, package});
    }
  }
  return found;
}

}  // namespace

RaplZones FindRaplZones(const MeterOptions& options, const Surroundings& here) {
  RaplZones found;
  const fs::path folder = options.root / "sys/class/powercap";
  std::error_code fault;
  if (!fs::is_directory(folder, fault)) {
    found.why_not = WhyPowercapAbsent(folder, here);
    return found;
  }
  const Listing listing = ListZones(folder, options.read);
  std::map<std::string, std::vector<Zone>> packages;  // by number
  for (const auto& [id, zone] : listing.zones) {
    if (!zone.parent.empty()) continue;
    if (const auto package = ParsePackageName(zone.name)) packages[package->number].push_back(zone);
    // MSR's come after MMIO's in the order of ids.
    if (zone.name == "psys") found.parts[RaplPart::kPsys] = {{zone.folder, ""}};
  }
  if (packages.empty() || listing.error != 0) {
    found.why_not = WhyNoPackage(folder, listing, here);
    found.present = listing.error != 0;
    return found;
  }
  bool core_left_out = false;
  for (const auto& [number, zones] : packages) {
    const std::vector<Zone> chosen = ChooseOfPackage(zones, here);
    for (const Zone& zone : chosen) {
      found.parts[RaplPart::kPackage].push_back({zone.folder, number});
    }
    for (const RaplPart part : {RaplPart::kDram, RaplPart::kCore, RaplPart::kUncore}) {
      std::vector<RaplZone> inside = ZonesInside(chosen, RaplName(part), number, listing);
      if (inside.empty()) {
        std::vector<Zone> twins = zones;
        std::erase_if(twins, [](const Zone& zone) { return !zone.mmio; });
        if (!twins.empty()) {
          inside = ZonesInside(ChooseOfPackage(twins, here), RaplName(part), number, listing);
        }
      }
      if (inside.empty()) continue;
      if (part == RaplPart::kCore && RaplCoreIsOfOneCore(here)) {
        core_left_out = true;
        continue;
      }
      auto& all = found.parts[part];
      all.insert(all.end(), inside.begin(), inside.end());
    }
  }
  if (core_left_out) found.note.LeaveOut(RaplPart::kCore, "on AMD it is one core's");
  return found;
}

RaplCount CountOf(const std::vector<RaplZone>& zones) {
  std::set<std::string> packages;
  for (const RaplZone& zone : zones) packages.insert(zone.package);
  return {packages.size(), zones.size()};
}

std::optional<uint64_t> RaplRange_uj(const RaplZone& zone, const MeterOptions& options) {
  const FileText text = KeptFile(zone.folder / "max_energy_range_uj", options.read).Read();
  if (text.error != 0) return std::nullopt;
  const std::optional<uint64_t> range_uj = ParseCount(text.text);
  if (range_uj == 0) return std::nullopt;
  return range_uj;
}

uint64_t RaplModulus_uj(uint64_t range_uj) { return range_uj + range_uj / 0xffffffffu; }

double RaplStep_j(uint64_t range_uj) {
  return std::max(1e-6, static_cast<double>(range_uj) / 0xffffffffu * 1e-6);
}

}  // namespace wattline::energy
