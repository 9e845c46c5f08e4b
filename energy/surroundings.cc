#include "energy/surroundings.h"

#include <fmt/format.h>

#include <fstream>
#include <string_view>
#include <system_error>

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// "vendor_id\t: GenuineIntel" -> "GenuineIntel" for the key "vendor_id"; else empty.
std::string_view ValueOf(std::string_view line, std::string_view key) {
  if (!line.starts_with(key)) return "";
  line.remove_prefix(key.size());
  const size_t name_end = line.find_first_not_of(" \t");
  if (name_end == std::string_view::npos || line[name_end] != ':') return "";
  line.remove_prefix(name_end + 1);
  const size_t begin = line.find_first_not_of(" \t");
  return begin == std::string_view::npos ? "" : line.substr(begin);
}

bool HasWord(std::string_view words, std::string_view word) {
  while (true) {
    const size_t end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
}

}  // namespace

Surroundings FindSurroundings(const MeterOptions& options) {
  Surroundings found;
  const fs::path cpuinfo = options.root / "proc/cpuinfo";
  std::ifstream in(cpuinfo);
  std::string line;
  while (std::getline(in, line) && !line.empty()) {  // an empty line ends the first CPU
    if (const std::string_view vendor = ValueOf(line, "vendor_id"); !vendor.empty()) {
      if (vendor == "GenuineIntel") found.vendor = Vendor::kIntel;
      if (vendor == "AuthenticAMD" || vendor == "HygonGenuine") found.vendor = Vendor::kAmd;
    }
    if (const std::string_view family = ValueOf(line, "cpu family"); !family.empty()) {
      found.family = static_cast<int>(ParseCount(std::string(family)).value_or(0));
    }
    if (HasWord(ValueOf(line, "flags"), "hypervisor")) {
      found.virtual_machine =
          fmt::format("a virtual machine ({} has the flag hypervisor)", cpuinfo.string());
    }
  }
  for (const char* file : {".dockerenv", "run/.containerenv"}) {
    std::error_code fault;
    const fs::path mark = options.root / file;
    if (found.container.empty() && fs::exists(mark, fault)) {
      found.container = fmt::format("a container ({} is there)", mark.string());
    }
  }
  return found;
}

}  // namespace wattline::energy
