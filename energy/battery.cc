#include "energy/battery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "energy/number_file.h"
#include "energy/summed_meter.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOnMains =
    "on mains power: the battery does not show what the machine draws; unplug it, or use another "
    "meter";
// Fuel gauges publish a new mean every few seconds, the slowest about every half minute.
constexpr double kUpdate_s = 30;

// Directories under power_supply.
struct Supplies {
  std::vector<fs::path> batteries;
  std::vector<fs::path> mains;
};

Supplies FindSupplies(const fs::path& folder, const FileReader& read) {
  Supplies supplies;
  std::error_code fault;
  for (fs::directory_iterator it(folder, fault), end; !fault && it != end; it.increment(fault)) {
    const fs::path& here = it->path();
    if (ReadWord(here / "scope", read) == "Device") continue;
    const std::string type = ReadWord(here / "type", read).value_or("");
    if (type == "Mains" || type == "USB") supplies.mains.push_back(here);
    if (type != "Battery" || ReadNumber(here / "present", read).value == 0) continue;
    supplies.batteries.push_back(here);
  }
  std::sort(supplies.batteries.begin(), supplies.batteries.end());
  return supplies;
}

std::string StatusOf(const fs::path& battery, const FileReader& read) {
  return ReadWord(battery / "status", read).value_or("");
}

// At least one discharges, none is charged, and no weak charger helps it.
bool OnBattery(const Supplies& supplies, const FileReader& read) {
  for (const fs::path& mains : supplies.mains) {
    if (ReadNumber(mains / "online", read).value.value_or(0) != 0) return false;
  }
  bool discharging = false;
  for (const fs::path& battery : supplies.batteries) {
    const std::string status = StatusOf(battery, read);
    if (status == "Charging") return false;
    discharging = discharging || status == "Discharging";
  }
  return discharging;
}

// Some drivers count what flows out as negative. A 0 of a battery that discharges is not yet known.
std::optional<double> DischargeWatts(const fs::path& battery, const FileReader& read) {
  const auto power_uw = ReadNumber(battery / "power_now", read).value;
  if (power_uw && *power_uw != 0) return std::abs(static_cast<double>(*power_uw)) * 1e-6;
  const auto current_ua = ReadNumber(battery / "current_now", read).value;
  const auto voltage_uv = ReadNumber(battery / "voltage_now", read).value;
  if (!current_ua || !voltage_uv || *current_ua == 0 || *voltage_uv <= 0) return std::nullopt;
  return std::abs(static_cast<double>(*current_ua)) * static_cast<double>(*voltage_uv) * 1e-12;
}

// Of one battery among all; 0 of one that waits while another delivers.
std::optional<double> ReadWatts(const fs::path& battery, const Supplies& all,
                                const FileReader& read) {
  if (!OnBattery(all, read)) return std::nullopt;
  if (StatusOf(battery, read) != "Discharging") return 0.0;
  return DischargeWatts(battery, read);
}

class BatterySource : public PowerSource {
 public:
  BatterySource(fs::path battery, Supplies all, FileReader read)
      : PowerSource(kUpdate_s),
        battery_(std::move(battery)),
        all_(std::move(all)),
        read_(std::move(read)) {}

 private:
  std::optional<double> Watts() override { return ReadWatts(battery_, all_, read_); }

  fs::path battery_;
  Supplies all_;
  FileReader read_;
};

std::string WhyNoPower(const fs::path& battery, const FileReader& read) {
  for (const char* name : {"power_now", "current_now", "voltage_now"}) {
    const fs::path file = battery / name;
    const FileNumber number = ReadNumber(file, read);
    const bool absent = number.error == ENOENT || number.error == ENODEV;
    if (!number.value && !absent) return number.WhyNot(file);
  }
  return fmt::format(
      "{} discharges but shows no power, neither in power_now nor in current_now and voltage_now: "
      "its driver does not tell it, or not yet",
      battery.string());
}

}  // namespace

Opened OpenBattery(const MeterOptions& options) {
  const fs::path folder = options.root / "sys/class/power_supply";
  std::error_code fault;
  if (!fs::is_directory(folder, fault)) {
    return {nullptr,
            fmt::format("{} is absent: this system shows no battery there", folder.string())};
  }
  const Supplies supplies = FindSupplies(folder, options.read);
  if (supplies.batteries.empty()) {
    return {nullptr, fmt::format("{} has no battery of the machine", folder.string())};
  }
  if (!OnBattery(supplies, options.read)) {
    return {nullptr, std::string(kOnMains), true};
  }
  Sources sources;
  for (const fs::path& battery : supplies.batteries) {
    if (!ReadWatts(battery, supplies, options.read)) {
      return {nullptr, WhyNoPower(battery, options.read), true};
    }
    sources.push_back(std::make_unique<BatterySource>(battery, supplies, options.read));
  }
  const size_t count = supplies.batteries.size();
  MeterInfo info;
  info.name = "battery";
  info.kind = Kind::kSampled;
  info.domains.push_back(
      {"machine",
       count == 1 ? "discharge of the battery" : fmt::format("discharge of {} batteries", count),
       kWholeMachine});
  info.expected_tick_s = kUpdate_s;
  info.note =
      "last resort: display, disks and radios are in it, and its power is renewed every few "
      "seconds at best";
  std::vector<Sources> domains;
  domains.push_back(std::move(sources));
  return {MakeSummedMeter(std::move(info), std::move(domains), *options.clock), ""};
}

}  // namespace wattline::energy
