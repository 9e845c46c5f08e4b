// The law by which a counter's gain between two instants becomes the energy of the work, bounded.
#pragma once

#include <optional>

namespace wattline::energy {

struct Bounded {
  double joules = 0;
  double err_j = 0;  // the true value lies within joules +- err_j
};

// The instant at which a counter was read off lies between the two, in seconds after the work
// began.
struct Instant {
  double earliest_s = 0;
  double latest_s = 0;
};

// Power lay between the two.
struct PowerRange {
  double low_w = 0;
  double high_w = 0;
};

struct Gain {
  double joules = 0;  // of the counter from `begin` to `end`
  Instant begin;
  Instant end;
  double work_s = 0;     // the work ran from 0 to here
  double rounded_j = 0;  // how much the counter's steps may have rounded off the gain, each way
  double missed_j = 0;   // how much the integral of sampled power may have missed, each way
  // How old sampled power may be: the gain is then that of a time earlier by up to this much.
  double stale_s = 0;
  // Power of parts of the work, where it was seen. Absent: only its mean is known.
  std::optional<PowerRange> inside;
  // Power right before and right after the work. Absent: not watched.
  std::optional<PowerRange> before;
  std::optional<PowerRange> after;
  // The same work had been running before it, or went on after it.
  bool same_before = false;
  bool same_after = false;
};

// The time between the instants is not quite that of the work. What sticks out of it is taken off,
// what is missing is added, at powers that are taken to lie
//   inside the work: in `inside`, and at least kSpread around the mean, since a short piece may be
//     busier than the longer ones that were seen;
//   outside: between that in `before` or `after` and that of the work, as power settles from the
//     one to the other; between 0 and that of the work where it was not watched.
Bounded WorkEnergy(const Gain& gain);

inline constexpr double kSpread = 0.1;

}  // namespace wattline::energy
