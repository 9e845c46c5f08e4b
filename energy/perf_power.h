// RAPL through Linux' perf events: the same counters as powercap's files, under other rights.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// One event that counts on one CPU: a 64-bit count from 0 on, or the system's error number.
struct PerfCount {
  std::function<std::optional<uint64_t>()> read;  // absent where it counts no more
  int error = 0;
};
using PerfOpener = std::function<PerfCount(uint32_t type, uint64_t config, int cpu)>;

// perf_event_open(2) for all processes on that CPU. An empty function where the system has none.
PerfOpener SystemPerf();

// The "power" PMU under <root>/sys/bus/event_source/devices/power: energy-pkg is "cpu", energy-ram
// "dram", energy-cores "core", energy-gpu "uncore", energy-psys "psys", with the laws of
// rapl_domain.h. Each event is counted on every CPU of the PMU's cpumask, one for each package or
// die, and psys on the first one only. The kernel extends the registers to 64 bits, so that no
// window is too long.
Opened OpenPerfPower(const MeterOptions& options, const PerfOpener& open);
// The same on this machine.
Opened OpenPerfPower(const MeterOptions& options);

}  // namespace wattline::energy
