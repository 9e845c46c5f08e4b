// What NVML's functions do on a real GPU, as lines of text: first readings, stamps, ticks, costs.
#pragma once

#include <memory>
#include <string>

#include "energy/meter.h"
#include "energy/nvml_library.h"

namespace wattline::device {

struct Nvml {
  std::shared_ptr<const energy::NvmlLibrary> library;
  energy::NvmlDevice device = nullptr;
  int index = 0;  // as in nvidia-smi
};

// Sets device and index to the GPU that CUDA computes on; false where NVML has none with its UUID.
bool FindGpu(Nvml& nvml, const std::string& uuid);

// The first readings after nvmlInit, of which some are 0.
void ShowFirstReadings(const Nvml& nvml);

// Reads a field without pause: its cost, how often its value changes, and whether the driver's
// stamp tells when a value was taken or when it was asked for.
void WatchField(const Nvml& nvml, unsigned field, energy::NvmlScope scope, const char* what);

// Reads the counter without pause: tick, step and cost. False where it does not tick.
bool WatchCounter(energy::Meter& meter);

}  // namespace wattline::device
