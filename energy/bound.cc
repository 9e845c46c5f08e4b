#include "energy/bound.h"

#include <algorithm>
#include <cmath>

namespace wattline::energy {
namespace {

// Energy to be added for a piece that sticks out of the work by `seconds` (negative: is missing).
struct Correction {
  double low_j;
  double high_j;
};
Correction Correct(double least_s, double most_s, PowerRange outside, PowerRange inside) {
  return {most_s > 0 ? -most_s * outside.high_w : -most_s * inside.low_w,
          least_s > 0 ? -least_s * outside.low_w : -least_s * inside.high_w};
}

PowerRange Join(PowerRange a, PowerRange b) {
  return {std::min(a.low_w, b.low_w), std::max(a.high_w, b.high_w)};
}

double Width(PowerRange range) { return range.high_w - range.low_w; }

double Middle(PowerRange range) { return (range.low_w + range.high_w) / 2; }

}  // namespace

Bounded WorkEnergy(const Gain& g) {
  // How far the counter's window sticks out at its head and at its tail.
  const double head_least_s = -g.begin.latest_s;
  const double head_most_s = -g.begin.earliest_s;
  const double tail_least_s = g.end.earliest_s - g.work_s;
  const double tail_most_s = g.end.latest_s - g.work_s;

  // Mean power of the work: what sticks out counts at its own power where that is known.
  const double head_s = (head_least_s + head_most_s) / 2;
  const double tail_s = (tail_least_s + tail_most_s) / 2;
  double own_j = g.joules;
  double own_s = g.work_s;
  const auto take = [&](double piece_s, const std::optional<PowerRange>& at) {
    if (piece_s > 0 && at) {
      own_j -= piece_s * Middle(*at);
    } else {
      own_s += piece_s;
    }
  };
  take(head_s, g.same_before ? std::nullopt : g.before);
  take(tail_s, g.same_after ? std::nullopt : g.after);
  const double mean_w = own_s > 0 ? std::max(0.0, own_j / own_s) : 0;

  PowerRange inside{(1 - kSpread) * mean_w, (1 + kSpread) * mean_w};
  if (g.inside) inside = Join(inside, *g.inside);
  const PowerRange unknown{0, 0};
  const PowerRange before = g.same_before ? inside : Join(g.before.value_or(unknown), inside);
  const PowerRange after = g.same_after ? inside : Join(g.after.value_or(unknown), inside);
  const Correction head = Correct(head_least_s, head_most_s, before, inside);
  const Correction tail = Correct(tail_least_s, tail_most_s, after, inside);
  // Stale power counts what was before the work instead of the work's own end.
  const double around_j =
      g.rounded_j + g.missed_j + g.stale_s * Width(Join(before, Join(inside, after)));
  const double low_j = std::max(0.0, g.joules + head.low_j + tail.low_j - around_j);
  const double high_j = std::max(low_j, g.joules + head.high_j + tail.high_j + around_j);
  return {(low_j + high_j) / 2, (high_j - low_j) / 2};
}

}  // namespace wattline::energy
