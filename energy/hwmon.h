// Linux' hwmon sensors that measure a CPU, a GPU or a module: counters of energy, or power.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// Reads <root>/sys/class/hwmon/hwmon*/{name, energyN_input (uJ), powerN_input, powerN_average (uW),
// powerN_label, powerN_average_interval (ms)}; older drivers have the files in hwmon*/device/.
// Only drivers that are known are counted, each by its own rule:
//   amd_energy    the sockets' counters ("Esocket0"); those of the cores are parts of them
//   zenpower      "RAPL_P_Package", or else "SVI2_P_Core" + "SVI2_P_SoC"
//   fam15h_power  power1
//   power_meter   (ACPI) of NVIDIA Grace, told by powerN_oem_info: "Module Power Socket 0" contains
//                 "Grace ..." contains "CPU ..." and "SysIO ...". The widest that every socket has
//                 is in the total, the others are shown.
//   amdgpu        power1; of an APU (it has the voltage "vddnb") that is CPU and GPU together
//   xe, i915      energyN "card", or else "pkg", or else without a label
// Where a CPU has several drivers the first in this order is used. The meter is a counter if all
// its domains are; with one that is sampled, it counts as sampled.
Opened OpenHwmon(const MeterOptions& options);

// Only the CPU: without GPUs, and of Grace without the module meter, which contains the GPU. For
// machines whose GPUs have a meter of their own.
Opened OpenHwmonCpu(const MeterOptions& options);

}  // namespace wattline::energy
