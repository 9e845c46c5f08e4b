#include "energy/meter.h"

#include <fmt/format.h>

#include <algorithm>

namespace wattline::energy {
namespace {

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kSampled:
      return "sampled";
    case Kind::kModelled:
      return "modelled";
  }
  return "unknown";
}

std::optional<double> Difference(const Reading& begin, const Reading& end, size_t domain) {
  if (begin.generation != end.generation) return std::nullopt;
  if (domain >= begin.values.size() || domain >= end.values.size()) return std::nullopt;
  if (!begin.values[domain] || !end.values[domain]) return std::nullopt;
  return end.values[domain]->joules - begin.values[domain]->joules;
}

Watched Characterise(Meter& meter, Clock& clock, const WatchLimits& limits) {
  const Reading first = meter.Read();
  const size_t domains = first.values.size();
  for (size_t d = 0; d < domains; ++d) {
    if (!first.values[d]) {
      return {{}, fmt::format("its counter of {} cannot be read", meter.info().domains[d].name)};
    }
  }
  // A tick is a change of any domain: those of one meter are published together.
  std::vector<double> ticks_s;
  std::vector<double> reads_s;
  std::optional<double> smallest_step_j;
  std::optional<TimePoint> last_tick;
  Reading previous = first;
  const TimePoint start = clock.Now();
  while (true) {
    const Reading now = meter.Read();
    reads_s.push_back(SecondsBetween(now.before, now.after));
    bool ticked = false;
    for (size_t d = 0; d < domains; ++d) {
      const std::optional<double> step_j = Difference(previous, now, d);
      if (!step_j) return {{}, "its counter was lost or set back while it was watched"};
      if (*step_j == 0) continue;
      ticked = true;
      smallest_step_j = std::min(smallest_step_j.value_or(*step_j), *step_j);
    }
    previous = now;
    if (ticked) {
      // The first change ends a tick whose start was not seen.
      if (last_tick) ticks_s.push_back(SecondsBetween(*last_tick, now.after));
      last_tick = now.after;
    }
    const double watched_s = SecondsBetween(start, clock.Now());
    const int count = static_cast<int>(ticks_s.size());
    if (count >= limits.enough_ticks) break;
    if (count >= limits.fewest_ticks && watched_s >= limits.enough_s) break;
    if (watched_s < limits.longest_s) continue;
    if (!last_tick) return {{}, fmt::format("its counter did not move in {:.1f} s", watched_s)};
    return {{}, fmt::format("its counter moved only {} times in {:.1f} s", count + 1, watched_s)};
  }
  double gained_j = 0;
  for (size_t d = 0; d < domains; ++d) gained_j += *Difference(first, previous, d);
  const double watts = gained_j / SecondsBetween(first.after, previous.after);
  if (!(watts > 0 && watts < limits.highest_w)) {
    return {{}, fmt::format("it shows an absurd {:.4g} W", watts)};
  }
  Behaviour found;
  found.tick_s = Median(ticks_s);
  found.longest_tick_s = *std::max_element(ticks_s.begin(), ticks_s.end());
  found.read_cost_s = Median(reads_s);
  found.smallest_step_j = *smallest_step_j;
  found.watts = watts;
  return {found, ""};
}

std::string Describe(const MeterInfo& info) {
  std::string text = fmt::format("{}: {}", info.name, KindName(info.kind));
  for (const Domain& domain : info.domains) {
    text += fmt::format(", {} ({})", domain.name, domain.scope);
  }
  if (info.behaviour) text += fmt::format(", tick {:.3g} ms", info.behaviour->tick_s * 1e3);
  if (info.lsb_j) text += fmt::format(", step {:.3g} uJ", *info.lsb_j * 1e6);
  if (info.behaviour) {
    text += fmt::format(", a read takes {:.3g} us", info.behaviour->read_cost_s * 1e6);
  }
  if (!info.note.empty()) text += "; " + info.note;
  return text;
}

}  // namespace wattline::energy
