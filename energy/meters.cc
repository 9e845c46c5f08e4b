#include "energy/meters.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "energy/battery.h"
#include "energy/hwmon.h"
#include "energy/ioreport.h"
#include "energy/jetson.h"
#include "energy/load.h"
#include "energy/nvml.h"
#include "energy/perf_power.h"
#include "energy/powercap.h"
#include "energy/powermetrics.h"
#include "energy/smc.h"
#include "energy/watch.h"

namespace wattline::energy {
namespace {

constexpr MeterEntry kMeters[] = {
    {"rapl", "energy counters of Intel and AMD CPUs (Linux powercap)", OpenPowercap, kCpuPart},
    {"rapl_perf", "the same counters, by the rights of Linux perf events", OpenPerfPower, kCpuPart},
    {"nvml", "energy counters of NVIDIA GPUs", OpenNvml},
    {"ioreport", "energy of Apple's M chips, without sudo", OpenIoReport},
    {"powermetrics", "energy of Apple's M chips, with sudo", OpenPowermetrics,
     kCpuPart | kGpuPart | kAnePart},
    {"hwmon", "sensors of Grace, AMD and Intel GPUs, AMD CPUs (Linux hwmon)", OpenHwmon},
    {"hwmon_cpu", "the same without GPUs, beside a meter of the GPUs", OpenHwmonCpu},
    {"jetson", "power monitors of NVIDIA Jetson modules (Linux INA3221)", OpenJetson},
    {"smc", "power of a whole Mac by its system controller, without sudo", OpenSmc, kWholeMachine},
    {"battery", "discharge of a laptop's battery, the last resort (Linux)", OpenBattery,
     kWholeMachine},
};

// Watches a meter that was opened; one that is not to be believed is closed again.
Opened Check(Opened opened, const MeterOptions& options) {
  std::optional<BusyThreads> load;
  if (options.IsThisMachine()) load.emplace();
  const Watched watched = Characterise(*opened.meter, *options.clock);
  if (!watched.behaviour) return {nullptr, watched.why_not, true};
  opened.meter->SetBehaviour(*watched.behaviour, watched.frozen);
  return opened;
}

std::vector<std::string> SplitNames(std::string_view list) {
  std::vector<std::string> names;
  while (true) {
    const size_t comma = list.find(',');
    names.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    list.remove_prefix(comma + 1);
  }
}

std::string NamesOf(std::span<const MeterEntry> entries) {
  std::string names;
  for (const MeterEntry& entry : entries) names += fmt::format(", {}", entry.name);
  return names;
}

Parts PartsOf(const Meter& meter) {
  Parts parts = 0;
  for (const Domain& domain : meter.info().domains) {
    if (domain.in_total) parts |= domain.parts;
  }
  return parts;
}

// The chosen meter that measures one of `parts`, or nothing.
std::string Overlap(Parts parts, const MeterSet& set) {
  for (const auto& other : set.meters) {
    if ((parts & PartsOf(*other)) != 0) return other->info().name;
  }
  return "";
}

// Ten readings over a second.
std::string RawReadings(Meter& meter, Clock& clock) {
  constexpr int kShown = 10;
  constexpr double kApart_s = 0.1;
  std::string text;
  const Reading first = meter.Read();
  for (int shown = 1; shown <= kShown; ++shown) {
    clock.Sleep(shown * kApart_s - SecondsBetween(first.after, clock.Now()));
    const Reading reading = meter.Read();
    text += fmt::format("  {:6.3f} s", SecondsBetween(first.after, reading.after));
    for (size_t d = 0; d < reading.values.size(); ++d) {
      const Domain& domain = meter.info().domains[d];
      if (domain.frozen) continue;
      const std::optional<double> gained_j = Difference(first, reading, d);
      text += gained_j ? fmt::format("  {} {:.6f} J", domain.name, *gained_j)
                       : fmt::format("  {} unreadable", domain.name);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::span<const MeterEntry> AllMeters() { return kMeters; }

Chosen ChooseMeters(std::string_view flag, const MeterOptions& options,
                    std::span<const MeterEntry> entries) {
  Chosen chosen;
  if (flag == "off") return chosen;
  const bool all = flag == "auto";
  const std::vector<std::string> names = all ? std::vector<std::string>{} : SplitNames(flag);
  for (const std::string& name : names) {
    if (std::none_of(entries.begin(), entries.end(),
                     [&name](const MeterEntry& e) { return e.name == name; })) {
      chosen.usage_error =
          fmt::format("--energy: unknown meter '{}'; known: auto, off{}", name, NamesOf(entries));
      return chosen;
    }
  }
  for (const MeterEntry& entry : entries) {
    if (!all && std::find(names.begin(), names.end(), entry.name) == names.end()) continue;
    std::string other = Overlap(entry.parts, chosen.set);
    Opened opened;
    if (other.empty()) {
      opened = entry.open(options);
      if (opened.meter) other = Overlap(PartsOf(*opened.meter), chosen.set);
    }
    if (!other.empty()) {
      opened = {nullptr, fmt::format("{} measures that already", other), false};
    }
    // Watched last: that may take seconds.
    if (opened.meter) opened = Check(std::move(opened), options);
    if (opened.meter) {
      chosen.set.meters.push_back(std::move(opened.meter));
      continue;
    }
    if (!all) {
      chosen.error = fmt::format("--energy: {} cannot be used: {}", entry.name, opened.why_not);
      return chosen;
    }
    chosen.unused.push_back({std::string(entry.name), std::move(opened.why_not), opened.present});
  }
  // One whose parts are measured by others is not missed.
  for (Unused& unused : chosen.unused) {
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const MeterEntry& e) { return e.name == unused.name; });
    if (entry->parts != 0 && (entry->parts & ~chosen.set.Covered()) == 0) unused.present = false;
  }
  return chosen;
}

std::string Summary(const Chosen& chosen) {
  std::string line = "energy: ";
  for (const auto& meter : chosen.set.meters) {
    if (meter != chosen.set.meters.front()) line += " | ";
    line += Describe(meter->info());
  }
  const bool none = chosen.set.meters.empty();
  if (none && chosen.unused.empty()) return line + "off";
  if (none) line += "no meter works here, so no joules";
  for (const Unused& unused : chosen.unused) {
    if (!unused.present) continue;
    line += fmt::format("{}{}: {}", none ? "; " : " | not used: ", unused.name, unused.why_not);
  }
  return none ? line + "; bench --list-meters tells what each one needs" : line;
}

std::string ListMeters(const MeterOptions& options, std::span<const MeterEntry> entries) {
  std::string text;
  for (const MeterEntry& entry : entries) {
    text += fmt::format("{}: {}\n", entry.name, entry.what);
    Opened opened = entry.open(options);
    if (opened.meter) opened = Check(std::move(opened), options);
    if (!opened.meter) {
      text += fmt::format("  not usable: {}\n", opened.why_not);
      continue;
    }
    text += fmt::format("  {}\n", Describe(opened.meter->info()));
    text += RawReadings(*opened.meter, *options.clock);
  }
  return text;
}

}  // namespace wattline::energy
