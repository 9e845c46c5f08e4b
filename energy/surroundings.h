// Where this process runs, as far as it explains counters that are not there.
#pragma once

#include <cstdint>
#include <string>

#include "energy/meter_options.h"

namespace wattline::energy {

enum class Vendor : uint8_t { kUnknown, kIntel, kAmd };  // kAmd: Hygon too, whose CPUs are AMD's

struct Surroundings {
  Vendor vendor = Vendor::kUnknown;
  int family = 0;  // of the CPU, as in /proc/cpuinfo; 0 where unknown
  // Each with its proof, or empty: "a virtual machine (/proc/cpuinfo has the flag hypervisor)".
  std::string virtual_machine;
  std::string container;
};

// From <root>/proc/cpuinfo, <root>/.dockerenv and <root>/run/.containerenv.
Surroundings FindSurroundings(const MeterOptions& options);

}  // namespace wattline::energy
