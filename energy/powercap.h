// RAPL through Linux' powercap files: energy of the CPU packages and of their memory.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// The files are under <root>/sys/class/powercap. Domains: "cpu", the sum of all packages, and
// "dram", the sum of their memories, where there are any. core and uncore are parts of a package
// and psys contains it: they are not summed, so not read.
Opened OpenPowercap(const MeterOptions& options);

}  // namespace wattline::energy
