#include "energy/hwmon_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "energy/number_file.h"

namespace wattline::energy {
namespace {

template <typename Wanted>
std::vector<HwmonSensor> Select(const HwmonDevice& device, Wanted wanted) {
  std::vector<HwmonSensor> selected;
  std::copy_if(device.sensors.begin(), device.sensors.end(), std::back_inserter(selected), wanted);
  return selected;
}

// The sensors of an AMD CPU that make up its package.
std::vector<HwmonSensor> PackageSensors(const HwmonDevice& device) {
  if (device.name == "amd_energy") {
    return Select(device,
                  [](const HwmonSensor& s) { return s.counts && s.label.starts_with("Esocket"); });
  }
  if (device.name == "fam15h_power") {
    return Select(device, [](const HwmonSensor& s) { return !s.counts && s.number == 1; });
  }
  // Of two CPUs the labels begin with "cpu0 ", "cpu1 ".
  const auto labelled = [&device](std::string_view end) {
    return Select(device, [end](const HwmonSensor& s) { return s.label.ends_with(end); });
  };
  std::vector<HwmonSensor> package = labelled("RAPL_P_Package");
  if (!package.empty()) return package;
  package = labelled("SVI2_P_Core");
  const std::vector<HwmonSensor> soc = labelled("SVI2_P_SoC");
  if (package.size() != soc.size()) return {};
  package.insert(package.end(), soc.begin(), soc.end());
  return package;
}

// One of several energy counters of an Intel GPU: the card contains the package.
std::vector<HwmonSensor> CardSensors(const HwmonDevice& device) {
  for (const std::string_view label : {"card", "pkg", ""}) {
    std::vector<HwmonSensor> found =
        Select(device, [label](const HwmonSensor& s) { return s.counts && s.label == label; });
    if (!found.empty()) return {found.front()};
  }
  return {};
}

void AddToPlan(HwmonPlans& found, HwmonPlan& plan, const HwmonDevice& device,
               const std::vector<HwmonSensor>& sensors) {
  if (sensors.empty()) return;
  plan.sensors.insert(plan.sensors.end(), sensors.begin(), sensors.end());
  found.counted.insert(device.folder);
}

void PlanAmdCpu(const std::vector<HwmonDevice>& devices, HwmonPlans& found) {
  for (const std::string_view driver : {"amd_energy", "zenpower", "fam15h_power"}) {
    HwmonPlan plan;
    for (const HwmonDevice& device : devices) {
      if (device.name == driver) AddToPlan(found, plan, device, PackageSensors(device));
    }
    if (plan.sensors.empty()) continue;
    plan.domain = {"cpu", fmt::format("packages, by {}", driver), kCpuPart};
    found.plans.push_back(std::move(plan));
    return;
  }
}

// Grace: what each meter measures, the widest first.
struct GraceKind {
  std::string_view label;
  std::string_view name;  // of the domain where it is shown only
  std::string_view what;
  Parts parts;
};
constexpr std::array<GraceKind, 4> kGrace = {{
    {"Module", "module", "CPU, GPU, memory and regulators", kCpuPart | kGpuPart | kDramPart},
    {"Grace", "cpu", "CPU cores and SysIO", kCpuPart},
    {"CPU", "core", "CPU cores", kCpuPart},
    {"SysIO", "sysio", "SysIO", kCpuPart},
}};
constexpr size_t kModule = 0;
constexpr size_t kGraceCpu = 1;
constexpr size_t kCores = 2;
constexpr size_t kSysIo = 3;

// "CPU Power Socket 1" -> CPU, 1.
std::optional<std::pair<size_t, int64_t>> ParseGrace(const std::string& label) {
  for (size_t k = 0; k < kGrace.size(); ++k) {
    const std::string begin = fmt::format("{} Power Socket ", kGrace[k].label);
    if (!label.starts_with(begin)) continue;
    if (const auto socket = ParseInteger(label.substr(begin.size()))) return {{k, *socket}};
  }
  return std::nullopt;
}

void PlanGrace(const std::vector<HwmonDevice>& devices, bool without_module, HwmonPlans& found) {
  std::array<std::map<int64_t, HwmonSensor>, kGrace.size()> by_kind;
  std::set<int64_t> sockets;
  for (const HwmonDevice& device : devices) {
    if (device.name != "power_meter") continue;
    for (const HwmonSensor& sensor : device.sensors) {
      const auto parsed = ParseGrace(sensor.label);
      if (!parsed) continue;
      by_kind[parsed->first].emplace(parsed->second, sensor);
      sockets.insert(parsed->second);
      found.counted.insert(device.folder);
    }
  }
  if (sockets.empty()) return;
  if (without_module) by_kind[kModule].clear();
  const auto everywhere = [&](size_t k) { return by_kind[k].size() == sockets.size(); };
  const auto sensors_of = [&](size_t k) {
    std::vector<HwmonSensor> sensors;
    for (const auto& [socket, sensor] : by_kind[k]) sensors.push_back(sensor);
    return sensors;
  };
  const std::string where = fmt::format(" of {}", Plural(sockets.size(), "socket"));
  bool total = false;
  if (!everywhere(kModule) && !everywhere(kGraceCpu) && everywhere(kCores) && everywhere(kSysIo)) {
    HwmonPlan plan{{"cpu", "CPU cores plus SysIO" + where, kCpuPart}, sensors_of(kCores)};
    for (HwmonSensor& sensor : sensors_of(kSysIo)) plan.sensors.push_back(std::move(sensor));
    found.plans.push_back(std::move(plan));
    total = true;
  }
  for (size_t k = 0; k < kGrace.size(); ++k) {
    if (!everywhere(k)) continue;
    const bool widest = !total && (k == kModule || k == kGraceCpu);
    total = total || widest;
    found.plans.push_back({{std::string(kGrace[k].name), std::string(kGrace[k].what) + where,
                            kGrace[k].parts, widest},
                           sensors_of(k)});
  }
}

void PlanGpus(const std::vector<HwmonDevice>& devices, HwmonPlans& found) {
  HwmonPlan boards;
  HwmonPlan apu;
  for (const HwmonDevice& device : devices) {
    if (device.name == "amdgpu") {
      AddToPlan(found, device.apu ? apu : boards, device,
                Select(device, [](const HwmonSensor& s) { return !s.counts && s.number == 1; }));
    }
    // i915_gt0 ... are tiles of an i915.
    if (device.name == "xe" || device.name == "i915") {
      AddToPlan(found, boards, device, CardSensors(device));
    }
  }
  if (!boards.sensors.empty()) {
    boards.domain = {"gpu", Plural(boards.sensors.size(), "board"), kGpuPart};
    found.plans.push_back(std::move(boards));
  }
  if (!apu.sensors.empty()) {
    // It would be counted twice beside a meter of its CPU.
    const bool alone = std::none_of(found.plans.begin(), found.plans.end(), [](const HwmonPlan& p) {
      return p.domain.in_total && (p.domain.parts & kCpuPart);
    });
    apu.domain = {"apu", "CPU and GPU on one chip", kCpuPart | kGpuPart, alone};
    found.plans.push_back(std::move(apu));
  }
}

}  // namespace

HwmonPlans PlanHwmon(const std::vector<HwmonDevice>& devices, bool cpu_only) {
  HwmonPlans found;
  PlanAmdCpu(devices, found);
  PlanGrace(devices, cpu_only, found);
  if (!cpu_only) PlanGpus(devices, found);
  return found;
}

}  // namespace wattline::energy
