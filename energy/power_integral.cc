#include "energy/power_integral.h"

#include <algorithm>
#include <cmath>

namespace wattline::energy {
namespace {

constexpr double kLongestGap_s = 5;
// INA3221 and its like show some tenths of a watt below zero on a rail that is switched off.
constexpr double kLowest_w = -1;
constexpr double kHighestSample_w = 10'000;
// Drivers of slow buses keep a value for a second; slower sensors say so.
constexpr double kOldest_s = 1;
// Beyond this many usual intervals a value that did not change is quiet, not old.
constexpr double kQuietIntervals = 4;

}  // namespace

void PowerIntegral::Lose() {
  if (last_) ++generation_;
  last_.reset();
  changed_at_.reset();
}

// The age of the last value at the read before the one that showed a new one.
double PowerIntegral::Age_s(TimePoint until) const {
  const double seen_s = SecondsBetween(older_at_, until);
  if (update_s_) return std::min(seen_s, *update_s_);
  const double quiet_s = learned_s_ ? kQuietIntervals * *learned_s_ : kOldest_s;
  return std::min({seen_s, quiet_s, kOldest_s});
}

// The median of a ring's length of changes is a period or more: the least one seen is kept, which
// is that of the time in which the sensor was read most often.
void PowerIntegral::Learn(double interval_s) {
  intervals_s_[intervals_++ % intervals_s_.size()] = interval_s;
  if (intervals_ < intervals_s_.size()) return;
  std::array<double, 16> sorted = intervals_s_;
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const double median_s = sorted[sorted.size() / 2];
  learned_s_ = std::min(learned_s_.value_or(median_s), median_s);
}

void PowerIntegral::Add(TimePoint at, std::optional<double> watts) {
  if (!watts || !(*watts >= kLowest_w && *watts <= kHighestSample_w)) {
    Lose();
    return;
  }
  if (last_ && SecondsBetween(last_->at, at) > kLongestGap_s) Lose();
  const Sample now{at, std::max(0.0, *watts)};
  if (!last_) {
    last_ = now;
    older_at_ = at;
    return;
  }
  const double gap_s = std::max(0.0, SecondsBetween(last_->at, at));
  sum_.joules += (last_->watts + now.watts) / 2 * gap_s;
  if (now.watts != last_->watts) {
    const double step_w = std::abs(now.watts - last_->watts);
    const double age_s = Age_s(last_->at);
    sum_.missed_j += step_w * (gap_s + age_s) / 2;
    sum_.missed_j2 += step_w * step_w * (gap_s * gap_s + age_s * age_s) / 4;
    if (changed_at_) Learn(SecondsBetween(*changed_at_, at));
    changed_at_ = at;
    older_at_ = last_->at;
  }
  last_ = now;
}

std::optional<Value> PowerIntegral::value() const {
  if (!last_) return std::nullopt;
  Value value = sum_;
  if (!update_s_) value.published = changed_at_;
  return value;
}

}  // namespace wattline::energy
