#include "energy/hwmon.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "energy/hwmon_files.h"
#include "energy/hwmon_plan.h"
#include "energy/number_file.h"
#include "energy/summed_meter.h"
#include "energy/unwrap.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// In uJ per second: 10 kW, more than any socket or board.
constexpr double kHighest_uw = 1e10;
// Of sensors whose period is not known, beside others whose period is.
constexpr double kLongestPeriod_s = 1;

// The drivers add the registers up in 64 bits of uJ, so that these counters never wrap.
class CounterSource : public EnergySource {
 public:
  CounterSource(const fs::path& file, const FileReader& read)
      : file_(file, read), unwrap_(std::nullopt, kHighest_uw) {}

  std::optional<Value> Read(Clock& clock) override {
    const std::optional<int64_t> value_uj = file_.Read().value;
    if (!value_uj || *value_uj < 0) return std::nullopt;
    const Unwrapper::Gained gained = unwrap_.Next(static_cast<uint64_t>(*value_uj), clock.Now());
    if (!gained.known) ++generation_;
    return Value{.joules = static_cast<double>(gained.total) * 1e-6};
  }
  uint32_t generation() const override { return generation_; }

 private:
  NumberFile file_;
  Unwrapper unwrap_;
  uint32_t generation_ = 0;
};

class MicrowattSource : public PowerSource {
 public:
  MicrowattSource(const HwmonSensor& sensor, const FileReader& read)
      : PowerSource(sensor.update_s), file_(sensor.file, read) {}

 private:
  std::optional<double> Watts() override {
    const std::optional<int64_t> value_uw = file_.Read().value;
    if (!value_uw) return std::nullopt;
    return static_cast<double>(*value_uw) * 1e-6;
  }

  NumberFile file_;
};

std::unique_ptr<EnergySource> MakeSource(const HwmonSensor& sensor, const FileReader& read) {
  if (sensor.counts) return std::make_unique<CounterSource>(sensor.file, read);
  return std::make_unique<MicrowattSource>(sensor, read);
}

// Sensors of power or energy that nothing counts, and what the others are called.
struct Others {
  std::vector<std::string> measuring;
  std::vector<std::string> names;
};
Others ListOthers(const std::vector<HwmonDevice>& devices, const std::set<std::string>& counted) {
  Others others;
  for (const HwmonDevice& device : devices) {
    others.names.push_back(device.name.empty() ? device.folder : device.name);
    if (device.sensors.empty() || counted.count(device.folder) != 0) continue;
    const std::string& label = device.sensors.front().label;
    others.measuring.push_back(fmt::format("{} of {}{}", others.names.back(), device.folder,
                                           label.empty() ? "" : " '" + label + "'"));
  }
  return others;
}

Opened OpenPlanned(const MeterOptions& options, std::string_view name, bool cpu_only) {
  const fs::path folder = options.root / "sys/class/hwmon";
  std::error_code fault;
  if (!fs::is_directory(folder, fault)) {
    return {nullptr, fmt::format("{} is absent: Linux shows its sensors there, and some containers "
                                 "hide it",
                                 folder.string())};
  }
  const std::vector<HwmonDevice> devices = FindHwmon(folder, options.read);
  const HwmonPlans found = PlanHwmon(devices, cpu_only);
  const Others others = ListOthers(devices, found.counted);

  MeterInfo info;
  info.name = name;
  info.kind = Kind::kCounter;
  std::vector<Sources> domains;
  std::vector<std::string> faults;
  bool total = false;
  bool unknown_period = false;
  for (const HwmonPlan& plan : found.plans) {
    std::string why_not;
    for (const HwmonSensor& sensor : plan.sensors) {
      const FileNumber number = ReadNumber(sensor.file, options.read);
      if (!number.value) why_not = number.WhyNot(sensor.file);
    }
    if (!why_not.empty()) {
      // What is shown only can be missed.
      if (plan.domain.in_total) faults.push_back(why_not);
      continue;
    }
    Sources sources;
    for (const HwmonSensor& sensor : plan.sensors) {
      sources.push_back(MakeSource(sensor, options.read));
      if (!sensor.counts) info.kind = Kind::kSampled;
      unknown_period = unknown_period || (!sensor.counts && !sensor.update_s);
      if (sensor.update_s) {
        info.expected_tick_s = std::max(info.expected_tick_s.value_or(0), *sensor.update_s);
      }
    }
    total = total || plan.domain.in_total;
    info.domains.push_back(plan.domain);
    domains.push_back(std::move(sources));
  }
  if (!total) {
    if (!faults.empty()) return {nullptr, fmt::format("{}", fmt::join(faults, "; ")), true};
    if (devices.empty()) return {nullptr, fmt::format("{} is empty", folder.string())};
    return {nullptr, fmt::format("{} has {}: none of them is known to measure the power of a CPU, "
                                 "a GPU or a module",
                                 folder.string(), fmt::join(others.names, ", "))};
  }
  std::vector<std::string> notes = faults;
  if (info.expected_tick_s) {
    notes.push_back(fmt::format("power is the mean of {:.0f} ms", *info.expected_tick_s * 1e3));
  }
  if (info.expected_tick_s && unknown_period) {
    info.expected_tick_s = std::max(*info.expected_tick_s, kLongestPeriod_s);
  }
  if (!others.measuring.empty()) {
    notes.push_back(fmt::format("not counted: {}", fmt::join(others.measuring, ", ")));
  }
  info.note = fmt::format("{}", fmt::join(notes, "; "));
  return {MakeSummedMeter(std::move(info), std::move(domains), *options.clock), ""};
}

}  // namespace

Opened OpenHwmon(const MeterOptions& options) { return OpenPlanned(options, "hwmon", false); }

Opened OpenHwmonCpu(const MeterOptions& options) { return OpenPlanned(options, "hwmon_cpu", true); }

}  // namespace wattline::energy
