// Turns a counter of limited range into one that only grows, and tells wrapping from being set
// back.
#pragma once

#include <cstdint>
#include <optional>

#include "energy/clock.h"

namespace wattline::energy {

class Unwrapper {
 public:
  // `modulus` is the number of values that the counter runs through before it is 0 again; absent
  // where it is unknown. No counter gains more than `highest_per_s`, nor holds back for longer than
  // a second what it has gained. So count is kept over any number of wraps by whoever calls Next()
  // more often than every modulus / highest_per_s - 1 s: 64 s for RAPL's shortest range (65.5 kJ)
  // at 1 kW, 261 s for its usual one.
  Unwrapper(std::optional<uint64_t> modulus, double highest_per_s)
      : modulus_(modulus), highest_per_s_(highest_per_s) {}

  // `total` is what the counter has gained since the first call; `known` is false where the latest
  // part of it cannot be told, because the counter was set back or may have wrapped more than once.
  // That part is left out then.
  struct Gained {
    uint64_t total = 0;
    bool known = true;
  };
  Gained Next(uint64_t value, TimePoint at);

 private:
  std::optional<uint64_t> modulus_;
  double highest_per_s_;
  std::optional<uint64_t> last_;
  TimePoint read_at_;
  TimePoint changed_at_;
  uint64_t total_ = 0;
};

}  // namespace wattline::energy
