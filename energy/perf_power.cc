#include "energy/perf_power.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/perf_pmu.h"
#include "energy/rapl_domain.h"
#include "energy/rapl_zones.h"

namespace wattline::energy {
namespace {

namespace fs = std::filesystem;

// Why perf_event_open gave `error`, and what helps.
std::string WhyRefused(std::string_view event, int error, const MeterOptions& options,
                       const Surroundings& here) {
  if (error != EACCES && error != EPERM) {
    return fmt::format("perf_event_open of power/{}/: {}", event, std::strerror(error));
  }
  const fs::path file = options.root / "proc/sys/kernel/perf_event_paranoid";
  const FileText text = options.read(file);
  const std::string paranoid = text.error == 0 ? text.text : "unreadable";
  if (paranoid == "0" || paranoid == "-1") {
    return fmt::format("perf_event_open of power/{}/ is forbidden although {} is {}: {}", event,
                       file.string(), paranoid,
                       here.container.empty()
                           ? "a filter of system calls (a container's) or the kernel's lockdown "
                             "stops it"
                           : here.container + " stops it; start it with --cap-add=PERFMON");
  }
  return fmt::format(
      "perf_event_open of power/{}/ is forbidden: {} is {}, and counting all processes of a CPU "
      "takes 0; until the next boot: sudo sysctl kernel.perf_event_paranoid=0; or for this program "
      "alone: sudo setcap cap_perfmon+ep on it",
      event, file.string(), paranoid);
}

struct Event {
  std::vector<PerfCount> counts;  // one for each CPU
  std::vector<uint64_t> last;
  double scale_j = 0;
  bool lost = false;
};

struct OpenedEvent {
  Event event;
  std::string why_not;
};

OpenedEvent OpenEvent(RaplPart part, const PerfEventText& text, uint32_t type,
                      const std::vector<int>& cpus, const PerfOpener& open,
                      const MeterOptions& options, const Surroundings& here) {
  OpenedEvent opened;
  opened.event.scale_j = text.scale_j;
  for (const int cpu : cpus) {
    PerfCount count = open(type, text.config, cpu);
    if (!count.read) {
      opened.why_not = WhyRefused(PerfEventName(part), count.error, options, here);
      return opened;
    }
    opened.event.counts.push_back(std::move(count));
    if (part == RaplPart::kPsys) break;  // each package shows the same platform
  }
  opened.event.last.resize(opened.event.counts.size());
  return opened;
}

class PerfPowerMeter : public Meter {
 public:
  PerfPowerMeter(MeterInfo info, std::vector<Event> events, Clock& clock)
      : Meter(std::move(info)), events_(std::move(events)), clock_(clock) {}

  Reading Read() override {
    Reading reading;
    reading.values.reserve(events_.size());
    reading.before = clock_.Now();
    for (Event& event : events_) reading.values.push_back(ReadEvent(event));
    reading.after = clock_.Now();
    return reading;
  }

 private:
  // Absent where one of the counts cannot be read now. A count only grows, whatever happens to the
  // register; should one not, the domain is absent from then on.
  static std::optional<Value> ReadEvent(Event& event) {
    double total = 0;
    bool whole = true;
    for (size_t i = 0; i < event.counts.size(); ++i) {
      const std::optional<uint64_t> count = event.counts[i].read();
      if (count && *count < event.last[i]) event.lost = true;
      if (!count) {
        whole = false;
        continue;
      }
      event.last[i] = *count;
      total += static_cast<double>(*count);
    }
    if (!whole || event.lost) return std::nullopt;
    return Value{.joules = total * event.scale_j};
  }

  std::vector<Event> events_;
  Clock& clock_;
};

// Perf does not tell the registers' step (the scale is finer), but powercap's ranges, which
// everyone may read, do: the largest of any part.
std::optional<double> LargestStep_j(const RaplZones& zones, const MeterOptions& options) {
  std::optional<double> largest_j;
  for (const auto& [part, all] : zones.parts) {
    for (const RaplZone& zone : all) {
      const std::optional<uint64_t> range_uj = RaplRange_uj(zone, options);
      if (!range_uj) return std::nullopt;
      largest_j = std::max(largest_j.value_or(0), RaplStep_j(*range_uj));
    }
  }
  return largest_j;
}

std::string WhyPmuAbsent(const fs::path& missing, const Surroundings& here) {
  if (!here.virtual_machine.empty()) {
    return fmt::format(
        "{} is absent: this is {}, whose host keeps the RAPL counters to itself; "
        "measure on the host",
        missing.string(), here.virtual_machine);
  }
  return fmt::format("{} is absent: {}", missing.string(),
                     here.vendor == Vendor::kUnknown
                         ? "only Linux on CPUs of Intel (since Sandy Bridge) and AMD (since Zen) "
                           "has it"
                         : "sudo modprobe rapl may bring it");
}

}  // namespace

Opened OpenPerfPower(const MeterOptions& options) {
  const PerfOpener open = SystemPerf();
  if (!open) return {nullptr, "perf events are Linux only"};
  if (!options.IsThisMachine()) {
    return {nullptr, "not used: --meter_root points at another machine"};
  }
  return OpenPerfPower(options, open);
}

Opened OpenPerfPower(const MeterOptions& options, const PerfOpener& open) {
  const Surroundings here = FindSurroundings(options);
  const fs::path pmu = options.root / "sys/bus/event_source/devices/power";
  const FileText type_text = options.read(pmu / "type");
  if (type_text.error != 0) return {nullptr, WhyPmuAbsent(pmu / "type", here)};
  const std::optional<uint64_t> type = ParseCount(type_text.text);
  if (!type || *type > UINT32_MAX) {
    return {nullptr, fmt::format("{} holds '{}', which is no number", (pmu / "type").string(),
                                 type_text.text)};
  }
  const PerfPlaces places = FindPerfPlaces(pmu, options, here);
  if (!places.why_not.empty()) return {nullptr, places.why_not};

  MeterInfo info;
  info.name = "rapl_perf";
  RaplNote note;
  std::vector<Event> events;
  bool has_dram = false;
  for (const RaplPart part : kRaplParts) {
    const fs::path file = pmu / "events" / PerfEventName(part);
    if (options.read(file).error != 0) {
      if (part == RaplPart::kPackage) return {nullptr, WhyPmuAbsent(file, here)};
      continue;
    }
    if (part == RaplPart::kCore && RaplCoreIsOfOneCore(here)) {
      note.LeaveOut(part, "on AMD it is one core's");
      continue;
    }
    const Domain domain = RaplDomain(part, {places.packages, places.cpus.size()});
    const PerfEventText text = ReadPerfEvent(file, options);
    OpenedEvent opened;
    opened.why_not = text.why_not;
    if (opened.why_not.empty()) {
      opened =
          OpenEvent(part, text, static_cast<uint32_t>(*type), places.cpus, open, options, here);
    }
    if (!opened.why_not.empty()) {
      if (domain.in_total) return {nullptr, opened.why_not, true};
      note.LeaveOut(part, opened.why_not);
      continue;
    }
    has_dram = has_dram || part == RaplPart::kDram;
    info.domains.push_back(domain);
    events.push_back(std::move(opened.event));
  }
  const std::optional<double> step_j = LargestStep_j(FindRaplZones(options, here), options);
  if (step_j) info.lsb_j = *step_j * static_cast<double>(places.cpus.size());
  info.note = note.Text(has_dram);
  return {std::make_unique<PerfPowerMeter>(std::move(info), std::move(events), *options.clock), ""};
}

}  // namespace wattline::energy
