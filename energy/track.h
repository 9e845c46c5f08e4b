// Follows one meter from reading to reading and keeps the instants at which its counters are known.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "energy/clock.h"
#include "energy/meter.h"

namespace wattline::energy {

// A counter's value was the true energy, up to its step, at some instant in this interval. It is as
// short as the detection of a tick where the counter was watched, a whole tick where it was merely
// read, and empty where the source tells when it published.
struct Edge {
  double joules = 0;
  TimePoint earliest;
  TimePoint latest;
  double missed_j = 0;  // as in Value
  double missed_j2 = 0;

  TimePoint Middle() const { return earliest + (latest - earliest) / 2; }
};

class Track {
 public:
  // `info` outlives the track; its behaviour is known.
  explicit Track(const MeterInfo& info);

  void Feed(const Reading& reading);
  // Forgets edges older than `before`, but for the latest of them.
  void Trim(TimePoint before);
  // A copy without the edges that Trim(before) forgets.
  Track Since(TimePoint before) const;

  const MeterInfo& info() const { return *info_; }
  // Oldest first. Empty where the counter cannot be read or was lost just now.
  const std::deque<Edge>& edges(size_t domain) const { return domains_[domain].edges; }
  // The counter was read in vain at or after `since`: what it did meanwhile is not known.
  bool MissedSince(size_t domain, TimePoint since) const {
    return domains_[domain].missed && *domains_[domain].missed >= since;
  }
  // The edge that the latest reading itself is, for a counter that may stand still rightly.
  Edge Latest(size_t domain) const;

  // How many ticks of every counter that must move surely happened after `since`.
  size_t TicksAfter(TimePoint since) const;
  // The latest tick of the first such counter; null if none is known.
  const Edge* last() const;
  uint32_t generation() const { return generation_; }
  bool started() const { return started_; }
  TimePoint last_before() const { return before_; }  // of the latest reading
  TimePoint last_after() const { return after_; }

 private:
  struct Domain {
    std::deque<Edge> edges;
    std::optional<TimePoint> missed;  // when it was read in vain last
  };
  bool MustMove(size_t domain) const;
  void FeedDomain(size_t domain, const Value& value, const Reading& reading);

  const MeterInfo* info_;
  std::vector<Domain> domains_;
  TimePoint before_;
  TimePoint after_;
  uint32_t generation_ = 0;  // of the meter
  bool started_ = false;
};

}  // namespace wattline::energy
