#include "energy/hwmon_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "energy/number_file.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// "power12_input" with the ends "power" and "_input" -> 12.
std::optional<int> NumberBetween(std::string_view text, std::string_view begin,
                                 std::string_view end) {
  if (text.size() <= begin.size() + end.size()) return std::nullopt;
  if (!text.starts_with(begin) || !text.ends_with(end)) return std::nullopt;
  text = text.substr(begin.size(), text.size() - begin.size() - end.size());
  if (text.front() < '0' || text.front() > '9' || text.size() > 6) return std::nullopt;
  const std::optional<int64_t> number = ParseInteger(std::string(text));
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

std::vector<std::string> NamesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator it(folder, fault), end; !fault && it != end; it.increment(fault)) {
    names.push_back(it->path().filename().string());
  }
  return names;
}

void AddSensors(HwmonDevice& device, const fs::path& folder, const FileReader& read) {
  struct Power {
    bool input = false;
    bool average = false;
  };
  std::map<int, Power> powers;
  std::vector<int> energies;
  for (const std::string& name : NamesIn(folder)) {
    if (const auto n = NumberBetween(name, "power", "_input")) powers[*n].input = true;
    if (const auto n = NumberBetween(name, "power", "_average")) powers[*n].average = true;
    if (const auto n = NumberBetween(name, "energy", "_input")) energies.push_back(*n);
  }
  std::sort(energies.begin(), energies.end());
  for (const int n : energies) {
    device.sensors.push_back(
        {folder / fmt::format("energy{}_input", n), true, n,
         ReadWord(folder / fmt::format("energy{}_label", n), read).value_or(""), std::nullopt});
  }
  for (const auto& [n, power] : powers) {
    HwmonSensor sensor;
    sensor.number = n;
    const bool average = power.average && (!power.input || device.name == "amdgpu");
    sensor.file = folder / fmt::format("power{}_{}", n, average ? "average" : "input");
    for (const char* kind : {"oem_info", "label"}) {
      if (!sensor.label.empty()) break;
      sensor.label = ReadWord(folder / fmt::format("power{}_{}", n, kind), read).value_or("");
    }
    if (average) {
      const auto interval_ms =
          ReadNumber(folder / fmt::format("power{}_average_interval", n), read).value;
      if (interval_ms && *interval_ms > 0) {
        sensor.update_s = static_cast<double>(*interval_ms) * 1e-3;
      }
    }
    device.sensors.push_back(std::move(sensor));
  }
}

}  // namespace

std::vector<HwmonDevice> FindHwmon(const fs::path& folder, const FileReader& read) {
  std::map<int, HwmonDevice> devices;
  for (const std::string& name : NamesIn(folder)) {
    const std::optional<int> number = NumberBetween(name, "hwmon", "");
    if (!number) continue;
    const fs::path here = folder / name;
    HwmonDevice device;
    device.folder = name;
    device.name =
        ReadWord(here / "name", read).value_or(ReadWord(here / "device/name", read).value_or(""));
    device.apu = ReadWord(here / "in1_label", read) == "vddnb";
    AddSensors(device, here, read);
    // Only one of the two places: a file may be seen in both.
    if (device.sensors.empty()) AddSensors(device, here / "device", read);
    devices.emplace(*number, std::move(device));
  }
  std::vector<HwmonDevice> sorted;
  for (auto& [number, device] : devices) sorted.push_back(std::move(device));
  return sorted;
}

}  // namespace wattline::energy
