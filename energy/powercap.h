// RAPL through Linux' powercap files: energy of the CPU packages and of their memory.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// The files are under <root>/sys/class/powercap. Domains in the total: "cpu", the sum of all
// packages, and "dram", the sum of their memories, where there are any. Beside it "core", "uncore"
// and "psys" where they can be read, see rapl_domain.h. One of those that is set back is absent
// from then on; the same of a domain in the total is told by the readings' generation.
Opened OpenPowercap(const MeterOptions& options);

}  // namespace wattline::energy
