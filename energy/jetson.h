// NVIDIA Jetson: power of the module's rails through INA3221 monitors.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"

namespace wattline::energy {

// Rails N = 1..3 of <root>/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/{inN_label, inN_input (mV),
// currN_input (mA), inN_enable}, powerN_input (uW) where there is one instead of the product; with
// JetPack 4, N = 0..2 of .../ina3221x/*/{iio:device*, iio_device}/{rail_name_N, in_powerN_input
// (mW)}.
//
// A rail that feeds the whole module (VDD_IN, POM_5V_IN, 5V_IN, VIN) is the total where there is
// one, "module"; the others are parts of it and shown. Without one the total is the rails of CPU,
// GPU, SoC, CV (accelerators), memory and system that do not overlap by their names: VDD_GPU_SOC +
// VDD_CPU_CV + VIN_SYS_5V0 on AGX Orin, GPU + CPU + SOC + CV + VDDRQ + SYS5V on AGX Xavier. Rails
// of the carrier board (VDD_MUX, VDD_3V3_SYS ...) are not read.
Opened OpenJetson(const MeterOptions& options);

}  // namespace wattline::energy
