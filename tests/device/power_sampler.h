// Instant power of one GPU, sampled by a thread of its own, and its integral over time: what the
// energy counter is held against.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "energy/clock.h"
#include "energy/nvml_library.h"

namespace wattline::device {

struct PowerSample {
  energy::TimePoint at;  // middle of the call
  double watts = 0;
};

// Trapezoids over the samples, with power at the ends drawn between the nearest samples. Absent
// where samples do not cover the time, or lie further apart than `longest_gap_s`.
std::optional<double> IntegrateJoules(const std::vector<PowerSample>& samples,
                                      energy::TimePoint begin, energy::TimePoint end,
                                      double longest_gap_s);

class PowerSampler {
 public:
  PowerSampler(std::shared_ptr<const energy::NvmlLibrary> nvml, energy::NvmlDevice device,
               double period_s);
  ~PowerSampler();
  PowerSampler(const PowerSampler&) = delete;
  PowerSampler& operator=(const PowerSampler&) = delete;

  // All so far. Readings of 0 and failed ones are not among them.
  std::vector<PowerSample> Samples() const;

 private:
  void Run(double period_s);

  std::shared_ptr<const energy::NvmlLibrary> nvml_;
  energy::NvmlDevice device_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<PowerSample> samples_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace wattline::device
