#include "energy/unwrap.h"

namespace wattline::energy {

Unwrapper::Gained Unwrapper::Next(uint64_t value, TimePoint at) {
  // A tick publishes all that was gained since the one before, however short ago the last read was.
  constexpr double kSlowestTick_s = 1.0;
  const auto most_since = [&](TimePoint since) {
    return highest_per_s_ * (SecondsBetween(since, at) + kSlowestTick_s);
  };
  const bool first = !last_;
  const uint64_t last = last_.value_or(value);
  const double most = most_since(first ? at : read_at_);
  const double most_since_change = most_since(first ? at : changed_at_);
  last_ = value;
  read_at_ = at;
  if (first || value != last) changed_at_ = at;
  if (value == last) return {total_, true};

  const bool wrapped = value < last;
  if (wrapped && (!modulus_ || last >= *modulus_)) return {total_, false};
  const uint64_t gained = wrapped ? *modulus_ - last + value : value - last;
  // A decrease is a wrap only where the counter can have come that far since it was read last, else
  // it was set back. An increase is given the time since the last one: a tick may be slower than is
  // thought here, and nothing but ticks moves a counter forward.
  if (static_cast<double>(gained) > (wrapped ? most : most_since_change)) return {total_, false};
  // One more round would be as plausible.
  if (modulus_ && static_cast<double>(gained) + static_cast<double>(*modulus_) <= most) {
    return {total_, false};
  }
  total_ += gained;
  return {total_, true};
}

}  // namespace wattline::energy
