#include "energy/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace wattline::energy {
namespace {

// Instant power is asked for this often: one question takes milliseconds with some drivers.
constexpr double kInstantApart_s = 0.05;
// A counter and the instant power of the same device: idle GPUs were seen to disagree by 1.75
// (Zeus, issue 181), a wrong unit or a frozen sum by far more.
constexpr double kMostDisagreement = 3;
// Stamps against our clock. Ten per cent is no clock's error but a wrong time base.
constexpr double kMostClockError = 0.1;
constexpr double kQuiet_s = 0.05;
constexpr double kPause_s = 0.001;
// Power that is sampled need not change: a stretch of it is enough.
constexpr double kSampled_s = 0.3;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// When a counter ticked.
struct Beat {
  std::optional<TimePoint> last;
  std::vector<double> ticks_s;

  void Tick(TimePoint at) {
    // The first change ends a tick whose start was not seen.
    if (last) ticks_s.push_back(SecondsBetween(*last, at));
    last = at;
  }
};

// What is gathered from reading to reading.
class Watch {
 public:
  Watch(Meter& meter, Clock& clock, const WatchLimits& limits)
      : meter_(meter), info_(meter.info()), clock_(clock), limits_(limits) {
    if (info_.expected_tick_s) {
      limits_.longest_s = std::max(limits_.longest_s, 4 * *info_.expected_tick_s);
    }
  }

  Watched Run() {
    first_ = meter_.Read();
    for (size_t d = 0; d < first_.values.size(); ++d) {
      if (!first_.values[d] && info_.domains[d].in_total) {
        return {{}, {}, fmt::format("its counter of {} cannot be read", info_.domains[d].name)};
      }
    }
    moved_.assign(first_.values.size(), false);
    beats_.resize(first_.values.size());
    previous_ = first_;
    start_ = clock_.Now();
    asked_ = Later(start_, -kInstantApart_s);
    while (!Enough()) {
      // A meter that ticks once a second is not read without pause.
      const Beat* slowest = Slowest();
      const TimePoint quiet_since = slowest != nullptr ? *slowest->last : start_;
      if (SecondsBetween(quiet_since, clock_.Now()) > kQuiet_s) clock_.Sleep(kPause_s);
      if (std::string why_not = Step(); !why_not.empty()) return {{}, {}, why_not};
    }
    return Judge();
  }

 private:
  double watched_s() const { return SecondsBetween(start_, clock_.Now()); }
  // Domains that move as long as the machine is on.
  bool MustMove(size_t d) const { return info_.domains[d].in_total && !info_.domains[d].may_rest; }

  bool Enough() const {
    const double watched = watched_s();
    if (watched >= limits_.longest_s) return true;
    if (info_.kind == Kind::kSampled) return watched >= kSampled_s;
    for (size_t d = 0; d < moved_.size(); ++d) {
      if (MustMove(d) && !moved_[d]) return false;
    }
    const int count = Count();
    return count >= limits_.enough_ticks ||
           (count >= limits_.fewest_ticks && watched >= limits_.enough_s);
  }

  // Of the counters that were seen to tick, the one that does so least often: of those that must
  // move, or of all where none must. macOS 27 publishes a GPU's energy at every reading and a CPU's
  // every other second, in one meter.
  const Beat* Slowest() const {
    for (const bool moving : {true, false}) {
      const Beat* slowest = nullptr;
      for (size_t b = 0; b < beats_.size(); ++b) {
        if (!beats_[b].last || moving != MustMove(b)) continue;
        if (slowest == nullptr || beats_[b].ticks_s.size() < slowest->ticks_s.size()) {
          slowest = &beats_[b];
        }
      }
      if (slowest != nullptr) return slowest;
    }
    return nullptr;
  }
  int Count() const {
    const Beat* slowest = Slowest();
    return slowest == nullptr ? 0 : static_cast<int>(slowest->ticks_s.size());
  }

  std::string Step() {
    const Reading now = meter_.Read();
    reads_s_.push_back(SecondsBetween(now.before, now.after));
    std::vector<bool> ticked(beats_.size(), false);
    for (size_t d = 0; d < moved_.size(); ++d) {
      if (!info_.domains[d].in_total) continue;
      const std::optional<double> step_j = Difference(previous_, now, d);
      if (!step_j) return "its counter was lost or set back while it was watched";
      const bool published = now.values[d]->published != previous_.values[d]->published;
      if (*step_j != 0) {
        moved_[d] = true;
        smallest_step_j_ = std::min(smallest_step_j_.value_or(*step_j), *step_j);
      }
      // Sampled power is an integral, which grows with every reading: only an update is a tick.
      if (info_.kind == Kind::kSampled ? published : *step_j != 0 || published) {
        ticked[d] = true;
      }
      if (published && now.values[d]->published && info_.kind != Kind::kSampled) {
        FollowStamp(d, *now.values[d]->published, now.after);
      }
    }
    if (std::find(ticked.begin(), ticked.end(), true) != ticked.end()) {
      if (!first_tick_) first_tick_ = now;
      last_tick_ = now;
    }
    previous_ = now;
    for (size_t b = 0; b < beats_.size(); ++b) {
      if (ticked[b]) beats_[b].Tick(now.after);
    }
    if (SecondsBetween(asked_, now.after) >= kInstantApart_s) {
      asked_ = now.after;
      const std::optional<double> watts = meter_.InstantWatts();
      if (watts && *watts > 0) instant_w_.push_back(*watts);
    }
    return {};
  }

  // One domain's stamps are enough to hold them against the clock.
  void FollowStamp(size_t d, TimePoint published, TimePoint seen) {
    if (!stamp_) stamp_ = Stamp{d, published, seen};
    if (stamp_->domain != d) return;
    stamps_s_ = SecondsBetween(stamp_->published, published);
    seen_s_ = SecondsBetween(stamp_->seen, seen);
  }

  Watched Judge() const {
    Watched result;
    if (info_.kind != Kind::kSampled) {
      const std::string why_not = JudgeTicks(result);
      if (!why_not.empty()) return {{}, {}, why_not};
    }
    const double watts = MeanWatts();
    if (!(watts > 0))
      return {{}, {}, fmt::format("it shows {:.4g} W while the machine is on", watts)};
    if (watts > limits_.highest_w)
      return {{}, {}, fmt::format("it shows an absurd {:.4g} W", watts)};
    Behaviour found;
    const Beat* slowest = Slowest();
    const std::vector<double> ticks_s =
        slowest == nullptr ? std::vector<double>() : slowest->ticks_s;
    const double unknown_tick_s = info_.expected_tick_s.value_or(limits_.longest_s);
    found.tick_s = ticks_s.empty() ? unknown_tick_s : Median(ticks_s);
    found.longest_tick_s =
        ticks_s.empty() ? unknown_tick_s : *std::max_element(ticks_s.begin(), ticks_s.end());
    found.read_cost_s = Median(reads_s_);
    found.smallest_step_j = smallest_step_j_.value_or(0);
    found.watts = watts;
    if (!instant_w_.empty()) {
      found.instant_watts = Mean(instant_w_);
      const double ratio = watts / *found.instant_watts;
      if (ratio > kMostDisagreement || ratio < 1 / kMostDisagreement) {
        return {{},
                {},
                fmt::format("its counter shows {:.4g} W, but its own instant power {:.4g} W", watts,
                            *found.instant_watts)};
      }
    }
    result.behaviour = found;
    return result;
  }

  // From tick to tick: three ticks of 100 ms may have been read over nearly four.
  double MeanWatts() const {
    const bool at_ticks = info_.kind != Kind::kSampled && first_tick_ &&
                          SecondsBetween(first_tick_->after, last_tick_->after) > 0;
    const Reading& begin = at_ticks ? *first_tick_ : first_;
    const Reading& end = at_ticks ? *last_tick_ : previous_;
    double gained_j = 0;
    for (size_t d = 0; d < moved_.size(); ++d) {
      if (info_.domains[d].in_total) gained_j += *Difference(begin, end, d);
    }
    return gained_j / SecondsBetween(begin.after, end.after);
  }

  // Domains that stand still, and whether what is left is a meter.
  std::string JudgeTicks(Watched& result) const {
    const double watched = watched_s();
    bool any_moves = false;
    for (size_t d = 0; d < moved_.size(); ++d) {
      if (!MustMove(d)) continue;
      any_moves = any_moves || moved_[d];
      if (!moved_[d]) result.frozen.push_back(d);
    }
    const bool all_may_rest = result.frozen.empty() && !any_moves;
    if (!any_moves && !(all_may_rest && Slowest() != nullptr)) {
      return fmt::format(
          "its counter did not move in {:.1f} s under load: firmware and virtual machines may "
          "show a counter that nothing drives; an update of either may help",
          watched);
    }
    const int count = Count();
    if (count < limits_.fewest_ticks) {
      return fmt::format("its counter moved only {} times in {:.1f} s", count + 1, watched);
    }
    if (seen_s_ > 0.2 && std::abs(stamps_s_ / seen_s_ - 1) > kMostClockError) {
      return fmt::format("its time stamps advanced {:.3f} s while {:.3f} s went by", stamps_s_,
                         seen_s_);
    }
    return {};
  }

  Meter& meter_;
  const MeterInfo& info_;
  Clock& clock_;
  WatchLimits limits_;
  Reading first_;
  Reading previous_;
  std::optional<Reading> first_tick_;
  std::optional<Reading> last_tick_;
  TimePoint start_;
  TimePoint asked_;
  std::vector<bool> moved_;
  std::vector<Beat> beats_;  // of each domain: they need not tick together
  std::vector<double> reads_s_;
  std::vector<double> instant_w_;
  std::optional<double> smallest_step_j_;
  struct Stamp {
    size_t domain;
    TimePoint published;
    TimePoint seen;
  };
  std::optional<Stamp> stamp_;  // the first new one
  double stamps_s_ = 0;
  double seen_s_ = 0;
};

}  // namespace

Watched Characterise(Meter& meter, Clock& clock, const WatchLimits& limits) {
  return Watch(meter, clock, limits).Run();
}

}  // namespace wattline::energy
