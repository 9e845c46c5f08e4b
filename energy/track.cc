#include "energy/track.h"

#include <algorithm>
#include <optional>

namespace wattline::energy {
namespace {

// Ticks come at most this much later than the longest that was watched.
constexpr double kLate = 1.25;

double LongestTick(const MeterInfo& info) {
  return info.behaviour ? kLate * info.behaviour->longest_tick_s : 0;
}

}  // namespace

Track::Track(const MeterInfo& info) : info_(&info), domains_(info.domains.size()) {}

void Track::Feed(const Reading& reading) {
  if (started_ && reading.generation != generation_) {
    for (Domain& domain : domains_) domain.edges.clear();
  }
  generation_ = reading.generation;
  for (size_t d = 0; d < domains_.size(); ++d) {
    if (reading.values[d]) {
      FeedDomain(d, *reading.values[d], reading);
    } else {
      domains_[d].edges.clear();
      domains_[d].missed = reading.after;
    }
  }
  before_ = reading.before;
  after_ = reading.after;
  started_ = true;
}

void Track::FeedDomain(size_t d, const Value& value, const Reading& reading) {
  Domain& domain = domains_[d];
  const Edge* last = domain.edges.empty() ? nullptr : &domain.edges.back();
  Edge edge{value.joules, reading.before, reading.after, value.missed_j, value.missed_j2};
  if (info_->kind == Kind::kSampled) {
    // Its joules are an integral up to the reading; how old the power was is the window's matter.
    if (!last || SecondsBetween(last->latest, reading.after) > 0) domain.edges.push_back(edge);
    return;
  }
  if (value.published) {
    if (last && last->latest == *value.published) return;
    edge.latest = *value.published;
    edge.earliest = Later(edge.latest, -info_->most_delay_s);
    domain.edges.push_back(edge);
    return;
  }
  if (last && last->joules == value.joules) return;
  edge.earliest = Later(reading.before, -LongestTick(*info_) - info_->most_delay_s);
  if (last) edge.earliest = std::max(edge.earliest, Later(before_, -info_->most_delay_s));
  domain.edges.push_back(edge);
}

void Track::Trim(TimePoint before) {
  for (Domain& domain : domains_) {
    while (domain.edges.size() > 2 && domain.edges[1].latest < before) domain.edges.pop_front();
  }
}

Track Track::Since(TimePoint before) const {
  Track copy(*info_);
  for (size_t d = 0; d < domains_.size(); ++d) {
    const std::deque<Edge>& edges = domains_[d].edges;
    auto first = std::lower_bound(edges.begin(), edges.end(), before,
                                  [](const Edge& e, TimePoint t) { return e.latest < t; });
    if (first != edges.begin()) --first;
    copy.domains_[d].edges.assign(first, edges.end());
    copy.domains_[d].missed = domains_[d].missed;
  }
  copy.before_ = before_;
  copy.after_ = after_;
  copy.generation_ = generation_;
  copy.started_ = started_;
  return copy;
}

Edge Track::Latest(size_t d) const {
  const Edge& last = domains_[d].edges.back();
  if (info_->kind == Kind::kSampled) return last;
  Edge edge = last;
  edge.latest = after_;
  edge.earliest = std::max(last.earliest, Later(before_, -LongestTick(*info_)));
  return edge;
}

// Domains that are switched off while unused tick only where there are no others.
bool Track::MustMove(size_t d) const {
  const auto steady = [](const energy::Domain& domain) {
    return domain.in_total && !domain.may_rest;
  };
  if (domains_[d].edges.empty()) return false;
  return steady(info_->domains[d]) ||
         std::none_of(info_->domains.begin(), info_->domains.end(), steady);
}

size_t Track::TicksAfter(TimePoint since) const {
  std::optional<size_t> fewest;
  for (size_t d = 0; d < domains_.size(); ++d) {
    if (!MustMove(d)) continue;
    const std::deque<Edge>& edges = domains_[d].edges;
    const auto it = std::lower_bound(edges.begin(), edges.end(), since,
                                     [](const Edge& e, TimePoint t) { return e.earliest < t; });
    const auto count = static_cast<size_t>(edges.end() - it);
    fewest = std::min(fewest.value_or(count), count);
  }
  return fewest.value_or(0);
}

const Edge* Track::last() const {
  for (size_t d = 0; d < domains_.size(); ++d) {
    if (MustMove(d)) return &domains_[d].edges.back();
  }
  return nullptr;
}

}  // namespace wattline::energy
