#include "energy/window.h"

#include <algorithm>
#include <chrono>

namespace wattline::energy {
namespace {

// How long a tick is waited for: past that the counter stands still. The time is for systems whose
// counter is published by a thread that may lose its CPU for a while.
constexpr double kPatience_ticks = 4;
constexpr double kPatience_s = 0.02;
// A counter that is merely read has stood still if it gained nothing in this many of its ticks.
constexpr double kStill_ticks = 3;

struct Interval {
  double low = 0;
  double high = 0;
};

TimePoint Earlier(TimePoint at, double by_s) {
  return at - std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(by_s));
}

// Energy of an extra piece that lasts `piece`, to be taken off; negative seconds are missing from
// the work and are added at its power.
Interval Correction(Interval piece_s, Interval outside_w, double work_w) {
  const auto at = [work_w](double seconds, double watts) {
    return seconds > 0 ? -seconds * watts : -seconds * work_w;
  };
  return {at(piece_s.high, outside_w.high), at(piece_s.low, outside_w.low)};
}

// Follows one meter's domains from reading to reading and keeps where each one changed.
class Catcher {
 public:
  explicit Catcher(const Meter& meter)
      : info_(meter.info()), domains_(meter.info().domains.size()) {}

  void Feed(const Reading& reading) {
    if (started_ && reading.generation != generation_) {
      domains_.assign(domains_.size(), {});
    }
    started_ = true;
    generation_ = reading.generation;
    for (size_t d = 0; d < domains_.size(); ++d) {
      if (!reading.values[d]) continue;
      const double joules = reading.values[d]->joules;
      Follow& f = domains_[d];
      if (f.last && f.last->joules != joules) {
        f.changes.push_back({joules, f.last->earliest, reading.after});
      }
      if (!f.last || f.last->joules != joules) f.seen_since = reading.before;
      f.last = Window::Caught{joules, reading.before, reading.after};
    }
  }

  // Every domain that can be read has changed `count` times.
  bool Has(size_t count) const {
    return std::all_of(domains_.begin(), domains_.end(),
                       [count](const Follow& f) { return !f.last || f.changes.size() >= count; });
  }

  // At the begin of the work the last change counts, at its end the first one.
  Window::Catch Begin() const {
    return Collect([](const Follow& f) { return f.changes.back(); });
  }
  // A counter that was waited for in vain may have stood still for most of the work: no edge then.
  Window::Catch End(bool waited) const {
    Window::Catch end = Collect([](const Follow& f) { return f.changes.front(); });
    for (size_t d = 0; d < domains_.size(); ++d) {
      const auto& changes = domains_[d].changes;
      if (waited && changes.empty()) end.edges[d].reset();
      if (changes.size() < 2) continue;
      const double apart_s = (SecondsBetween(changes[0].earliest, changes[1].earliest) +
                              SecondsBetween(changes[0].latest, changes[1].latest)) /
                             2;
      if (apart_s > 0) end.after_w[d] = (changes[1].joules - changes[0].joules) / apart_s;
    }
    return end;
  }

 private:
  struct Follow {
    std::optional<Window::Caught> last;
    TimePoint seen_since;  // the first reading that showed the value of `last`
    std::vector<Window::Caught> changes;
  };

  template <typename Choose>
  Window::Catch Collect(Choose choose) const {
    Window::Catch caught;
    caught.generation = generation_;
    caught.edges.resize(domains_.size());
    caught.after_w.resize(domains_.size());
    for (size_t d = 0; d < domains_.size(); ++d) {
      const Follow& f = domains_[d];
      if (!f.last) continue;
      if (!f.changes.empty()) {
        caught.edges[d] = choose(f);
      } else {
        // The value may have been a tick old when it was seen first.
        const double stale_s = info_.behaviour ? info_.behaviour->longest_tick_s : 0;
        caught.edges[d] = {f.last->joules, Earlier(f.seen_since, stale_s), f.last->latest};
      }
    }
    return caught;
  }

  const MeterInfo& info_;
  std::vector<Follow> domains_;
  uint32_t generation_ = 0;
  bool started_ = false;
};

// Reads once, or until each domain has ticked `ticks` times.
Catcher Watch(Meter& meter, Clock& clock, size_t ticks) {
  Catcher catcher(meter);
  catcher.Feed(meter.Read());
  if (ticks == 0) return catcher;
  const double patience_s = std::max(kPatience_s, kPatience_ticks * meter.info().behaviour->tick_s);
  const TimePoint start = clock.Now();
  while (!catcher.Has(ticks) && SecondsBetween(start, clock.Now()) < patience_s) {
    catcher.Feed(meter.Read());
  }
  return catcher;
}

bool Alignable(const Meter& meter) {
  const std::optional<Behaviour>& b = meter.info().behaviour;
  return b && b->tick_s <= kAlignableTick_s && 4 * b->read_cost_s <= b->tick_s;
}

double StepOf(const MeterInfo& info) {
  if (info.lsb_j) return *info.lsb_j;
  return info.behaviour ? info.behaviour->smallest_step_j : 0;
}

}  // namespace

Bounded WorkEnergy(double gained_j, Edge begin, Edge end, double work_s, double lsb_j,
                   std::optional<double> after_w) {
  // How much longer than the work the counter's window is, at its head and at its tail.
  const Interval head_s = {-begin.latest_s, -begin.earliest_s};
  const Interval tail_s = {end.earliest_s - work_s, end.latest_s - work_s};
  const double head_mid_s = (head_s.low + head_s.high) / 2;
  const double tail_mid_s = (tail_s.low + tail_s.high) / 2;

  // Power of the work: with the tail at its own power where that is known, else at the work's.
  const bool own_tail = after_w && tail_mid_s > 0;
  const double span_s = work_s + head_mid_s + (own_tail ? 0 : tail_mid_s);
  const double work_j = gained_j - (own_tail ? *after_w * tail_mid_s : 0);
  const double work_w = span_s > 0 ? std::max(0.0, work_j / span_s) : 0;

  const Interval head_w = {0, std::max(work_w, after_w.value_or(0))};
  const Interval tail_w = {std::min(work_w, after_w.value_or(0)),
                           std::max(work_w, after_w.value_or(0))};
  const Interval head_j = Correction(head_s, head_w, work_w);
  const Interval tail_j = Correction(tail_s, tail_w, work_w);
  // Each edge is cut down to a whole step.
  const double low_j = gained_j + head_j.low + tail_j.low - 2 * lsb_j;
  const double high_j = gained_j + head_j.high + tail_j.high + 2 * lsb_j;
  const double bound_low_j = std::max(0.0, low_j);
  const double bound_high_j = std::max(bound_low_j, high_j);
  return {(bound_low_j + bound_high_j) / 2, (bound_high_j - bound_low_j) / 2};
}

std::vector<std::string> MeterSet::DomainNames() const {
  std::vector<std::string> names;
  for (const auto& meter : meters) {
    for (const Domain& domain : meter->info().domains) names.push_back(domain.name);
  }
  return names;
}

Window::Window(const MeterSet* meters, Clock& clock) : meters_(meters), clock_(clock) {
  const size_t count = meters_ ? meters_->meters.size() : 0;
  starts_.resize(count);
  aligned_ = 0;
  while (aligned_ < count && !Alignable(*meters_->meters[aligned_])) ++aligned_;
  begin_ = clock_.Now();
}

void Window::Begin() {
  // The one that is waited for comes last, so that the work starts on its tick.
  for (size_t m = 0; m < starts_.size(); ++m) {
    if (m != aligned_) starts_[m] = Watch(*meters_->meters[m], clock_, 0).Begin();
  }
  if (aligned_ < starts_.size()) {
    starts_[aligned_] = Watch(*meters_->meters[aligned_], clock_, 1).Begin();
  }
  begin_ = clock_.Now();
}

WindowEnergy Window::End() {
  WindowEnergy result;
  result.elapsed_s = SecondsBetween(begin_, clock_.Now());
  std::vector<Catch> stops(starts_.size());
  if (aligned_ < stops.size()) {
    stops[aligned_] = Watch(*meters_->meters[aligned_], clock_, 2).End(true);
  }
  for (size_t m = 0; m < stops.size(); ++m) {
    if (m != aligned_) stops[m] = Watch(*meters_->meters[m], clock_, 0).End(false);
  }

  Bounded total;
  bool whole = !starts_.empty();
  for (size_t m = 0; m < stops.size(); ++m) {
    const MeterInfo& info = meters_->meters[m]->info();
    const bool lost = starts_[m].generation != stops[m].generation;
    for (size_t d = 0; d < info.domains.size(); ++d) {
      const std::optional<Caught>& begin = starts_[m].edges[d];
      const std::optional<Caught>& end = stops[m].edges[d];
      const bool still = begin && end && end->joules == begin->joules && info.behaviour &&
                         result.elapsed_s > kStill_ticks * info.behaviour->longest_tick_s;
      if (lost || !begin || !end || still) {
        whole = false;
        continue;
      }
      const auto edge = [this](const Caught& c) {
        return Edge{SecondsBetween(begin_, c.earliest), SecondsBetween(begin_, c.latest)};
      };
      const Bounded energy = WorkEnergy(end->joules - begin->joules, edge(*begin), edge(*end),
                                        result.elapsed_s, StepOf(info), stops[m].after_w[d]);
      result.domains.push_back({info.domains[d].name, energy});
      total.joules += energy.joules;
      total.err_j += energy.err_j;
    }
    if (info.behaviour && result.elapsed_s < kFewTicks * info.behaviour->tick_s) {
      result.short_window = true;
    }
  }
  if (whole) result.total = total;
  return result;
}

}  // namespace wattline::energy
