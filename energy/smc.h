// The system controller of a Mac: power of the whole machine, without root.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// One domain, "machine": the key PSTR, a power in watts that is integrated. It contains what finer
// meters measure, so that it serves only where none of these does.
Opened OpenSmc(const MeterOptions& options);

}  // namespace wattline::energy
