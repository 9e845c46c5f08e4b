// What a meter is: a few energy counters that are read together, and what is known about them.
#pragma once

#include <cstddef>
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

// What the energy of a domain is spent in, as bits. Two domains overlap where they share one.
using Parts = uint8_t;
inline constexpr Parts kCpuPart = 1;
inline constexpr Parts kGpuPart = 2;
inline constexpr Parts kDramPart = 4;
inline constexpr Parts kAnePart = 8;
inline constexpr Parts kRestPart = 16;  // fans, disks, display, losses of the supply
inline constexpr Parts kWholeMachine = 31;

// One counter of a meter: "cpu", "dram", "gpu", "ane". Those of one meter that are `in_total` never
// overlap, so that their sum is the energy of its scope.
struct Domain {
  std::string name;
  std::string scope;  // what it covers: "2 packages", "memory of 2 packages"
  Parts parts = 0;    // of the machine
  // False: it is a part of another domain ("core"), or contains one ("psys"). Shown, never summed.
  bool in_total = true;
  // It is switched off while unused, so that a counter which stands still means 0 J ("ane"). Not so
  // for a CPU, whose counter is frozen then.
  bool may_rest = false;
  // Its counter did not move when it was watched: neither shown nor summed.
  bool frozen = false;
};

// "1 package", "2 packages": for a scope.
std::string Plural(size_t count, std::string_view noun);

// The counter's behaviour as it was watched, see Characterise().
struct Behaviour {
  double tick_s = 0;           // median time between two changes
  double longest_tick_s = 0;   // the longest of the watched ones
  double read_cost_s = 0;      // median time of one Read()
  double smallest_step_j = 0;  // of any domain; the counter's own step is no larger
  double watts = 0;            // mean of the watch, the domains of the total
  // Mean of InstantWatts() during the watch.
  std::optional<double> instant_watts;
};

struct MeterInfo {
  std::string name;  // as in --energy=NAME
  Kind kind = Kind::kCounter;
  std::vector<Domain> domains;
  // The counter's step, where the source tells it: an upper bound over the domains.
  std::optional<double> lsb_j;
  // Each tick is rounded to a step by itself, so that the error grows with the ticks.
  bool rounds_each_tick = false;
  // The tick as documented or asked for, where it may be longer than a second: how long to watch.
  std::optional<double> expected_tick_s;
  // The most power that the domains of the total together are allowed to draw, where the source
  // tells it.
  std::optional<double> power_cap_w;
  // How much older a value may be than its stamp says, or than its reading where it has no stamp.
  double most_delay_s = 0;
  std::string note;                    // what a reader of its numbers must know, or empty
  std::optional<Behaviour> behaviour;  // set once it was watched
};

// Energy of one domain since an arbitrary start. Only differences mean something.
struct Value {
  double joules = 0;
  // When the source says that this was the value: batches are published late. Absent: now.
  std::optional<TimePoint> published = std::nullopt;
  // Meters that sample power only: what the integral may have missed so far, as the sum of the
  // largest error of each step and as the sum of their squares. See PowerIntegral.
  double missed_j = 0;
  double missed_j2 = 0;
};

struct Reading {
  // The counters were read at some instant between the two.
  TimePoint before;
  TimePoint after;
  // One per domain of the meter, in its order; absent where it could not be read.
  std::vector<std::optional<Value>> values;
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
  // What watching it has shown; `frozen` are domains that stood still: they are out of the total.
  void SetBehaviour(const Behaviour& behaviour, const std::vector<size_t>& frozen = {});
  // Reads all domains once. One thread at a time.
  virtual Reading Read() = 0;
  // Power right now of the domains in the total, from another source than the counter: it is held
  // against the counter when the meter is watched. Absent where there is none; a 0 is no watt.
  virtual std::optional<double> InstantWatts() { return std::nullopt; }

 private:
  MeterInfo info_;
};

// The meters that are in use: no two domains of their totals overlap.
struct MeterSet {
  std::vector<std::unique_ptr<Meter>> meters;  // each with its behaviour set

  // "cpu", "dram" ...: the domains of all meters, in order, those outside the total too.
  std::vector<std::string> DomainNames() const;
  // What the total covers.
  Parts Covered() const;
};

// A meter, or one sentence why there is none and what would help.
struct Opened {
  std::unique_ptr<Meter> meter;
  std::string why_not;
  // What it would read is there, so that the reason is worth telling unasked.
  bool present = false;
};

// "rapl: counter, cpu (1 package), dram (memory of 1 package), tick 1.00 ms, step 61.0 uJ, a read
// takes 4.2 us". The parts that are unknown are left out.
std::string Describe(const MeterInfo& info);

}  // namespace wattline::energy
