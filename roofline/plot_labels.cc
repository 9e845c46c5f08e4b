#include "roofline/plot_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace wattline::roofline {
namespace {

bool Inside(const Box& frame, const Box& box) {
  return box.left >= frame.left && box.right <= frame.right && box.top >= frame.top &&
         box.bottom <= frame.bottom;
}

// Directions of a label from its marker, the best first: right, then above, as in cartography.
struct Direction {
  double x;
  double y;
};
constexpr std::array<Direction, 16> kDirections = {{{1, 0},
                                                    {1, -1},
                                                    {0, -1},
                                                    {1, 1},
                                                    {-1, -1},
                                                    {-1, 0},
                                                    {0, 1},
                                                    {-1, 1},
                                                    {1, -0.5},
                                                    {1, 0.5},
                                                    {0.5, -1},
                                                    {-0.5, -1},
                                                    {-1, -0.5},
                                                    {-1, 0.5},
                                                    {0.5, 1},
                                                    {-0.5, 1}}};
constexpr std::array<double, 9> kGaps = {2, 5, 8, 12, 17, 24, 32, 42, kFarthestPx};
constexpr double kDirectionCost = 0.4;
constexpr double kGapCost = 1.5;
constexpr double kStrangerCost = 40;
constexpr double kSlicePx = 3;

}  // namespace

bool Overlap(const Box& a, const Box& b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

bool Crosses(const Box& box, Spot from, Spot to) {
  // Liang and Barsky: the part of the line within each pair of sides.
  double first = 0;
  double last = 1;
  const auto clip = [&](double step, double to_low, double to_high) {
    if (step == 0) return to_low <= 0 && to_high >= 0;
    const double a = to_low / step;
    const double b = to_high / step;
    first = std::max(first, std::min(a, b));
    last = std::min(last, std::max(a, b));
    return first <= last;
  };
  return clip(to.x - from.x, box.left - from.x, box.right - from.x) &&
         clip(to.y - from.y, box.top - from.y, box.bottom - from.y);
}

double Distance(const Box& box, Spot spot) {
  const double x = std::max({box.left - spot.x, 0.0, spot.x - box.right});
  const double y = std::max({box.top - spot.y, 0.0, spot.y - box.bottom});
  return std::hypot(x, y);
}

bool LabelPlacer::Free(const Place& place) const {
  return std::all_of(place.boxes.begin(), place.boxes.end(), [&](const Box& box) {
    return Inside(frame_, box) && std::none_of(taken_.begin(), taken_.end(), [&](const Box& taken) {
             return Overlap(box, taken);
           });
  });
}

std::optional<size_t> LabelPlacer::Put(std::span<const Place> places) {
  std::optional<size_t> best;
  double best_cost = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    double cost = places[i].cost;
    if ((best && cost >= best_cost) || !Free(places[i])) continue;
    for (const Line& line : lines_) {
      const bool crossed =
          std::any_of(places[i].boxes.begin(), places[i].boxes.end(),
                      [&](const Box& box) { return Crosses(box, line.from, line.to); });
      if (crossed) cost += kLineCost;
    }
    if (best && cost >= best_cost) continue;
    best = i;
    best_cost = cost;
  }
  if (best) taken_.insert(taken_.end(), places[*best].boxes.begin(), places[*best].boxes.end());
  return best;
}

std::vector<Place> PlacesRound(Spot marker, double radius, double width, double height,
                               std::span<const Spot> others, double most_px) {
  std::vector<Place> places;
  for (const double gap : kGaps) {
    if (gap > most_px) break;
    for (size_t i = 0; i < kDirections.size(); ++i) {
      const Direction d = kDirections[i];
      // Diagonally a marker reaches less far than its radius.
      const double reach = (radius + gap) * (d.x != 0 && d.y != 0 ? 0.8 : 1.0);
      const double x = marker.x + d.x * (reach + width / 2);
      const double y = marker.y + d.y * (reach + height / 2);
      const Box box = {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
      double cost = gap * kGapCost + static_cast<double>(i) * kDirectionCost;
      const double own = Distance(box, marker);
      if (std::any_of(others.begin(), others.end(),
                      [&](const Spot& other) { return Distance(box, other) <= own; })) {
        cost += kStrangerCost;
      }
      places.push_back({{box}, cost});
    }
  }
  return places;
}

std::vector<Place> PlacesAlong(std::span<const Spot> anchors, double slope, double width,
                               double height, double gap) {
  const double angle = std::atan(slope);
  const Spot along = {std::cos(angle), -std::sin(angle)};
  const Spot up = {-std::sin(angle), -std::cos(angle)};
  // Slices of the text, turned; each box holds one of them. The thinner they are, the less a box
  // reaches beyond its slice.
  const int count = std::max(1, static_cast<int>(std::ceil(width / kSlicePx)));
  const double step = width / count;
  const double half = (std::abs(along.x) * step + std::abs(along.y) * height) / 2;
  const double half_y = (std::abs(along.y) * step + std::abs(along.x) * height) / 2;
  std::vector<Place> places;
  for (const double side : {1.0, -1.0}) {
    for (size_t a = 0; a < anchors.size(); ++a) {
      const double off = side * (gap + height / 2);
      Place place;
      place.cost = static_cast<double>(a) + (side < 0 ? 6 : 0);
      for (int i = 0; i < count; ++i) {
        const double at = -width / 2 + (i + 0.5) * step;
        const double x = anchors[a].x + along.x * at + up.x * off;
        const double y = anchors[a].y + along.y * at + up.y * off;
        place.boxes.push_back({x - half, y - half_y, x + half, y + half_y});
      }
      places.push_back(place);
    }
  }
  return places;
}

std::vector<std::vector<size_t>> Groups(std::span<const Spot> spots, double radius) {
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < spots.size(); ++i) {
    const auto near = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      const Spot first = spots[group[0]];
      return std::hypot(first.x - spots[i].x, first.y - spots[i].y) <= radius;
    });
    if (near == groups.end()) {
      groups.push_back({i});
    } else {
      near->push_back(i);
    }
  }
  return groups;
}

std::string NumberRanges(std::span<const int> numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ",";
    text += fmt::format("{}", numbers[i]);
    if (last > i) text += fmt::format("{}{}", last == i + 1 ? "," : "\u2013", numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace wattline::roofline
