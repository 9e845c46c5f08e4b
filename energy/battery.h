// The last resort: what a laptop's battery delivers while it is unplugged.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// Sums <root>/sys/class/power_supply/*/power_now (uW), or current_now (uA) times voltage_now (uV),
// over the batteries that are discharging. Batteries of mice and keyboards (scope "Device") and
// empty slots are left out. On mains power there is no value: the battery shows nothing then.
Opened OpenBattery(const MeterOptions& options);

}  // namespace wattline::energy
