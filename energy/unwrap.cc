#include "energy/unwrap.h"

namespace wattline::energy {

Unwrapper::Gained Unwrapper::Next(uint64_t value, TimePoint at) {
  const std::optional<uint64_t> last = last_;
  if (last && value == *last) return {total_, true};
  // A tick publishes all energy since the one before, however short ago the last read was. When
  // the tick before the first read was is unknown: a second is longer than any meter's.
  constexpr double kMargin_s = 1.0;
  const double most = highest_per_s_ * (SecondsBetween(changed_at_, at) + kMargin_s);
  last_ = value;
  changed_at_ = at;
  if (!last) return {total_, true};

  uint64_t gained = 0;
  if (value >= *last) {
    gained = value - *last;
  } else if (modulus_ && *last < *modulus_) {
    gained = *modulus_ - *last + value;
  } else {
    return {total_, false};
  }
  if (static_cast<double>(gained) > most) return {total_, false};
  // One more round would be as plausible.
  if (modulus_ && static_cast<double>(gained) + static_cast<double>(*modulus_) <= most) {
    return {total_, false};
  }
  total_ += gained;
  return {total_, true};
}

}  // namespace wattline::energy
