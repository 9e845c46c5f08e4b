// What NVML's functions do on a real GPU, as lines of text: first readings, stamps, ticks, costs.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "energy/clock.h"
#include "energy/meter.h"
#include "energy/nvml_library.h"

namespace wattline::device {

inline energy::TimePoint Now() { return energy::RealClock().Now(); }
inline double Since(energy::TimePoint start) { return energy::SecondsBetween(start, Now()); }
inline void Sleep(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// A line that is seen at once: the run lasts minutes.
template <typename... Args>
void Print(fmt::format_string<Args...> text, Args&&... args) {
  fmt::print(text, std::forward<Args>(args)...);
  std::fflush(stdout);
}

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
