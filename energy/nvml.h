// NVML: the energy counters of NVIDIA GPUs, Volta (2017) and newer.
#pragma once

#include "energy/meter.h"
#include "energy/meter_options.h"
#include "energy/visible_gpus.h"

namespace wattline::energy {

// One domain per GPU that this process works on (visible_gpus.h; options.gpus are numbers as in
// nvidia-smi): "gpu" where it is one, else "gpu0", "gpu1" ... by those numbers. Its scope is the
// GPU with its memory, or, where only that can be read, the module of CPU and GPU.
Opened OpenNvml(const MeterOptions& options);
Opened OpenNvml(const MeterOptions& options, const Environment& environment);

}  // namespace wattline::energy
