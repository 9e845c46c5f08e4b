// What the files of perf's "power" PMU tell: its events, and the CPUs to count them on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "energy/meter_options.h"
#include "energy/rapl_domain.h"
#include "energy/surroundings.h"

namespace wattline::energy {

// "energy-pkg", "energy-ram", "energy-cores", "energy-gpu", "energy-psys".
std::string_view PerfEventName(RaplPart part);

// The CPUs of the PMU's cpumask, one for each package or die, without those that show the counter
// of a package again.
struct PerfPlaces {
  std::vector<int> cpus;
  size_t packages = 0;
  std::string why_not;
};
PerfPlaces FindPerfPlaces(const std::filesystem::path& pmu, const MeterOptions& options,
                          const Surroundings& here);

// An event's file and its .scale and .unit.
struct PerfEventText {
  uint64_t config = 0;
  double scale_j = 0;  // joules of one count
  std::string why_not;
};
PerfEventText ReadPerfEvent(const std::filesystem::path& file, const MeterOptions& options);

}  // namespace wattline::energy
