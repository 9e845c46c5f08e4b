// Joules from samples of power: the integral by the trapezoid rule, and what it may have missed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "energy/clock.h"
#include "energy/meter.h"

namespace wattline::energy {

// A sensor takes a new value from time to time and holds it; it is read from time to time. A new
// value, d watts from the old one, was taken between two reads, `gap` apart, and the power itself
// changed between the taking of the old value and that of the new one, `age` apart. The change is
// therefore misplaced in time by two errors, each even over its interval: +- gap / 2 and +- age
// / 2. That gives the largest error of a step, and the sum of squares whose third is its variance:
//   missed_j += |d| (gap + age) / 2        missed_j2 += d^2 (gap^2 + age^2) / 4
// The mean lag of age / 2 telescopes over the changes: it is left to whoever cuts a window out, as
// half of one period of the sensor times the difference of the power at the window's two ends.
// Power that changes twice within a period is seen by sensors that average, not by others.
class PowerIntegral {
 public:
  // `update_s` is the period of the sensor where it is known. Where it is not, the age of a value
  // is the time that it was seen for, up to four times the usual time between two changes and to
  // one second: a sensor whose value stands still in a quiet phase is not old.
  explicit PowerIntegral(std::optional<double> update_s = std::nullopt) : update_s_(update_s) {}

  // `at` is the middle of the read. An absent sample, one that is not finite, over 10 kW or under
  // -1 W, or a pause of over 5 s ends the integral: what came meanwhile is unknown, and the count
  // is lost. A little below zero is the offset of a sensor at rest and taken as zero.
  void Add(TimePoint at, std::optional<double> watts);

  // As of the last sample: absent where that was. Joules go on after a loss, without its energy.
  // Where the period is not known, `published` is the first read that showed the present value, by
  // which the sensor's updates can be followed.
  std::optional<Value> value() const;
  // How often the count was lost.
  uint32_t generation() const { return generation_; }
  // The period of the sensor: as known, or the usual time between two changes; absent before that
  // is known.
  std::optional<double> update_s() const { return update_s_ ? update_s_ : learned_s_; }

 private:
  struct Sample {
    TimePoint at;
    double watts = 0;
  };
  double Age_s(TimePoint until) const;
  void Learn(double interval_s);
  void Lose();

  std::optional<double> update_s_;
  std::optional<double> learned_s_;
  std::array<double, 16> intervals_s_{};  // between the latest changes, a ring
  size_t intervals_ = 0;                  // so many were put in

  std::optional<Sample> last_;
  TimePoint older_at_;                   // the last read that showed another value than `last_`
  std::optional<TimePoint> changed_at_;  // the first read that showed that of `last_`
  Value sum_;
  uint32_t generation_ = 0;
};

}  // namespace wattline::energy
