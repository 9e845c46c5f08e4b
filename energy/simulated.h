// A simulated machine whose true energy is known, a clock that only the simulation moves, and a
// meter that shows the energy as badly as real ones do.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"

namespace wattline::energy {

class SimulatedClock : public Clock {
 public:
  TimePoint Now() override { return now_; }
  void Sleep(double seconds) override { Advance(seconds); }
  void Advance(double seconds);

 private:
  TimePoint now_{std::chrono::seconds(1000)};
};

// Draws a constant power until that is changed. Follows any clock, the real one too.
class SimulatedMachine {
 public:
  SimulatedMachine(Clock& clock, double watts);

  Clock& clock() const { return clock_; }
  void SetPower(double watts);
  // True energy from the start to `at`, which may lie before the latest change of power.
  double JoulesAt(TimePoint at) const;
  double WattsAt(TimePoint at) const;

 private:
  struct Change {
    TimePoint at;
    double joules;
    double watts;
  };
  const Change& LatestChange(TimePoint at) const;
  Clock& clock_;
  std::vector<Change> changes_;
};

struct SimulatedCounter {
  const SimulatedMachine* machine = nullptr;
  std::string name = "cpu";
  double tick_s = 0.001;
  double phase_s = 0;  // of the ticks
  double lsb_j = 61e-6;
  Parts parts = kCpuPart;
  double delay_s = 0;    // from a tick to when it can be read
  bool stamped = false;  // the reading tells when the tick was
  bool may_rest = false;
  bool in_total = true;
  std::optional<double> expected_tick_s = std::nullopt;  // as the meter documents it
};

// Shows each machine's energy as of the last tick that can be read, cut down to whole steps.
class SimulatedMeter : public Meter {
 public:
  // `read_cost_s` passes on `clock`, half of it before the counters are read; with the real clock
  // leave both out.
  SimulatedMeter(std::vector<SimulatedCounter> counters, Clock& clock,
                 SimulatedClock* moved = nullptr, double read_cost_s = 0);

  Reading Read() override;

  void Freeze() { frozen_at_ = clock_.Now(); }  // no tick any more
  void Thaw() { frozen_at_.reset(); }           // ticks again, with all energy
  void Break() { broken_ = true; }              // no reading any more
  void Lose() { ++generation_; }                // as if the counter had been set back
  int reads() const { return reads_; }

 private:
  std::vector<SimulatedCounter> counters_;
  Clock& clock_;
  SimulatedClock* moved_;
  double read_cost_s_;
  TimePoint start_;
  std::optional<TimePoint> frozen_at_;
  bool broken_ = false;
  uint32_t generation_ = 0;
  int reads_ = 0;
};

// Shows a machine's power as of the sensor's last update, from which a sampled meter makes joules.
struct SimulatedSensor {
  const SimulatedMachine* machine = nullptr;
  double update_s = 0.1;
  double phase_s = 0;
  TimePoint start;

  struct Shown {
    double watts;
    TimePoint updated;
  };
  Shown Read(TimePoint at) const;
};

}  // namespace wattline::energy
