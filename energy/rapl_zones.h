// RAPL's zones among Linux' powercap files: which are there, and which of them make up a domain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "energy/meter_options.h"
#include "energy/rapl_domain.h"
#include "energy/surroundings.h"

namespace wattline::energy {

struct RaplZone {
  std::filesystem::path folder;  // with energy_uj and max_energy_range_uj
  std::string package;           // "0"; empty for psys
};

// The zones of each part, no counter twice:
//   MSR and MMIO show the same counters, so that an MMIO zone serves only where its twin is absent;
//   dies are left out where their package is there as a whole, or where they all show its counter;
//   psys is the first package's: those of others ("psys-1") may show the same platform again.
struct RaplZones {
  std::map<RaplPart, std::vector<RaplZone>> parts;  // those that are there
  RaplNote note;                                    // with what was left out
  std::string why_not;                              // set where no package is there
  bool present = false;                             // one is listed, but cannot be looked into
};
RaplZones FindRaplZones(const MeterOptions& options, const Surroundings& here);

RaplCount CountOf(const std::vector<RaplZone>& zones);

// How to let a user read `energy_uj`.
inline constexpr std::string_view kRaplRights =
    "to let this user read it until the next boot: sudo chmod a+r "
    "/sys/class/powercap/intel-rapl*/energy_uj; for good: the udev rule in energy/README.md";

// The counter's highest value; absent where it is not told. Readable by everyone.
std::optional<uint64_t> RaplRange_uj(const RaplZone& zone, const MeterOptions& options);

// The register has 32 bits, so that the range is 2^32 - 1 steps and the counter is 0 again one step
// after it. The kernel cuts to whole microjoules.
uint64_t RaplModulus_uj(uint64_t range_uj);
double RaplStep_j(uint64_t range_uj);

}  // namespace wattline::energy
