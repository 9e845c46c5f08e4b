// What a meter is: a few energy counters that are read together, and what is known about them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/clock.h"

namespace wattline::energy {

// How a meter comes to its numbers. Values of different kinds are not to be compared silently.
enum class Kind : uint8_t {
  kCounter,  // hardware or firmware adds up energy
  kSampled,  // power is sampled, energy is its integral
  kModelled  // activity times coefficients
};
std::string_view KindName(Kind kind);

// One counter of a meter: "cpu", "dram", "gpu", "ane". The domains of one meter never overlap, so
// that their sum is the energy of its scope.
struct Domain {
  std::string name;
  std::string scope;  // what it covers: "2 packages", "memory of 2 packages"
};

// The counter's behaviour as it was watched, see Characterise().
struct Behaviour {
  double tick_s = 0;           // median time between two changes
  double longest_tick_s = 0;   // the longest of the watched ones
  double read_cost_s = 0;      // median time of one Read()
  double smallest_step_j = 0;  // of any domain; the counter's own step is no larger
  double watts = 0;            // mean of the watch, all domains
};

struct MeterInfo {
  std::string name;  // as in --energy=NAME
  Kind kind = Kind::kCounter;
  std::vector<Domain> domains;
  // The counter's step, where the source tells it: an upper bound over the domains.
  std::optional<double> lsb_j;
  std::string note;                    // what a reader of its numbers must know, or empty
  std::optional<Behaviour> behaviour;  // set once it was watched
};

// Energy since an arbitrary start. Only differences mean something, see Difference().
struct Reading {
  // The counters were read at some instant between the two.
  TimePoint before;
  TimePoint after;
  // One per domain of the meter, in its order; absent where it could not be read.
  std::vector<std::optional<double>> joules;
  // Counts how often a counter was lost (set back, or wrapped an unknown number of times).
  uint32_t generation = 0;
};

// Joules from `begin` to `end`; absent where either is, or where the counter was lost in between.
std::optional<double> Difference(const Reading& begin, const Reading& end, size_t domain);

class Meter {
 public:
  explicit Meter(MeterInfo info) : info_(std::move(info)) {}
  virtual ~Meter() = default;
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  const MeterInfo& info() const { return info_; }
  void SetBehaviour(const Behaviour& behaviour) { info_.behaviour = behaviour; }
  // Reads all domains once. One thread at a time.
  virtual Reading Read() = 0;

 private:
  MeterInfo info_;
};

// A meter, or one sentence why there is none and what would help.
struct Opened {
  std::unique_ptr<Meter> meter;
  std::string why_not;
};

// What Characterise() found: the behaviour, or why the meter is not to be believed.
struct Watched {
  std::optional<Behaviour> behaviour;
  std::string why_not;
};

struct WatchLimits {
  int enough_ticks = 20;      // stop here
  int fewest_ticks = 3;       // fewer tell no period
  double enough_s = 0.05;     // or after this long, once there are fewest_ticks
  double longest_s = 1.0;     // frozen if it has not moved by then
  double highest_w = 10'000;  // of all domains together: more is absurd
};

// Reads the meter without pause until it has ticked often enough. `meter` is unchanged.
Watched Characterise(Meter& meter, Clock& clock, const WatchLimits& limits = {});

// "rapl: counter, cpu (1 package), dram (memory of 1 package), tick 1.00 ms, step 61.0 uJ, a read
// takes 4.2 us". The parts that are unknown are left out.
std::string Describe(const MeterInfo& info);

}  // namespace wattline::energy
