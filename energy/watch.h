// Watches a meter before it is believed: how often it ticks, by what steps, whether it can be true.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"

namespace wattline::energy {

// What Characterise() found: the behaviour, or why the meter is not to be believed.
struct Watched {
  std::optional<Behaviour> behaviour;
  std::vector<size_t> frozen;  // domains whose counter stood still, though the machine was on
  std::string why_not;
};

struct WatchLimits {
  int enough_ticks = 20;      // stop here
  int fewest_ticks = 3;       // fewer tell no period
  double enough_s = 0.05;     // or after this long, once there are fewest_ticks
  double longest_s = 1.0;     // frozen if it has not moved by then, or in 4 expected ticks
  double highest_w = 10'000;  // of all domains together: more is absurd
};

// Reads the meter until each of its counters has ticked often enough. Dropped with a reason: a
// counter that stands still or is set back, power that is 0, absurd or far from the meter's own
// instant power, stamps that do not follow the clock. `meter` itself is unchanged.
Watched Characterise(Meter& meter, Clock& clock, const WatchLimits& limits = {});

}  // namespace wattline::energy
