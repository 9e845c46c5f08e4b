// When samples ended that say how long they took, but not when, and arrive some time later.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "energy/clock.h"

namespace wattline::energy {

// Each sample begins where the one before it ended, so that the ends of all are known up to one
// offset: that of the first one's beginning. No sample arrives before its end, which bounds the
// offset from above by (arrival - the sum of all durations so far) of any sample; from below it is
// bounded by the instant at which the sampler was started. Should there be gaps between samples
// after all, they move the stamps by what adds up over the latest kRemembered samples only.
class SampleTimes {
 public:
  static constexpr size_t kRemembered = 64;

  explicit SampleTimes(TimePoint started) : started_(started) {}

  // The latest possible end of the next sample. The true end lies at most doubt_s() before it.
  TimePoint Next(uint64_t elapsed_ns, TimePoint arrival) {
    sum_ += std::chrono::nanoseconds(elapsed_ns);
    begun_[count_++ % kRemembered] = arrival - sum_;
    return Begun() + sum_;
  }
  // After the first Next(). Below 0: the durations add up to more than our clock saw.
  double doubt_s() const { return SecondsBetween(started_, Begun()); }

 private:
  // The beginning of the first sample, at the latest.
  TimePoint Begun() const {
    return *std::min_element(begun_.begin(), begun_.begin() + std::min(count_, kRemembered));
  }

  TimePoint started_;
  std::array<TimePoint, kRemembered> begun_;
  size_t count_ = 0;
  std::chrono::nanoseconds sum_{0};
};

}  // namespace wattline::energy
