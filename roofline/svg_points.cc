// Points and their numbers.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "roofline/plot_text.h"
#include "roofline/svg_scene.h"

namespace wattline::roofline {
namespace {

// Points nearer than this look like one; their numbers stand together.
constexpr double kTogetherPx = 6;
constexpr double kCrowdPx = 40;
// Of so many points most numbers would need leaders, which nobody could follow.
constexpr size_t kManyPoints = 120;
constexpr double kNearPx = 12;
constexpr double kNumberHeight = kNumberFontPx * 0.82;  // of digits, with a pixel of air

struct PlacedPoint {
  size_t point;
  Spot spot;
};

std::vector<PlacedPoint> PlacedPoints(const Scene& scene) {
  std::vector<PlacedPoint> placed;
  for (size_t i = 0; i < scene.model.points.size(); ++i) {
    if (const auto spot = scene.PointSpot(scene.model.points[i])) placed.push_back({i, *spot});
  }
  return placed;
}

std::string Spoken(const Scene& scene, const PlotPoint& point) {
  const Judged& row = point.judged;
  std::string text = fmt::format("{}: {}", point.number, row.row);
  if (scene.many_chips) text += fmt::format(" on {}", row.chip);
  text += fmt::format("\n{} FLOP/byte, {} {}", ShortNumber(*row.flop_per_byte),
                      ShortNumber(*scene.PointY(point) / scene.unit.flop),
                      scene.UnitName(point.judged.format));
  const std::optional<double> share = scene.options.energy ? row.joule_share : row.share;
  if (share) text += fmt::format(", {} % of attainable", ShortNumber(*share * 100));
  if (!row.bound.empty()) text += fmt::format("\nbound: {}", row.bound);
  if (row.joules) text += fmt::format("\n{} J", ShortNumber(*row.joules));
  return text;
}

void DrawLeader(Scene& scene, Spot spot, const Box& box, const std::string& data) {
  if (Distance(box, spot) - kPointRadiusPx <= kLeaderPx) return;
  const double x = std::clamp(spot.x, box.left, box.right);
  const double y = std::clamp(spot.y, box.top, box.bottom);
  const double length = std::hypot(x - spot.x, y - spot.y);
  const double start = (kPointRadiusPx + 1) / length;
  scene.out += fmt::format("<path class=\"lead\"{} d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>", data,
                           spot.x + (x - spot.x) * start, spot.y + (y - spot.y) * start, x, y);
}

}  // namespace

void ReservePoints(Scene& scene) {
  constexpr double kReach = kPointRadiusPx + 1.2;
  for (const PlacedPoint& one : PlacedPoints(scene)) {
    scene.placer.AddObstacle(
        {one.spot.x - kReach, one.spot.y - kReach, one.spot.x + kReach, one.spot.y + kReach});
  }
}

int DrawPoints(Scene& scene) {
  const std::vector<PlacedPoint> placed = PlacedPoints(scene);
  for (const PlacedPoint& one : placed) {
    const PlotPoint& point = scene.model.points[one.point];
    const std::string marker =
        Marker(scene.Shape(point.judged.fixture), scene.Fill(point.judged.format),
               scene.Colour(point.chip, point.judged.format), one.spot.x, one.spot.y,
               kPointRadiusPx, scene.Prefix(), scene.Data('p', {one.point}));
    if (scene.options.page) {
      scene.out += marker + "\n";
    } else {
      scene.out +=
          fmt::format("<g><title>{}</title>{}</g>\n", EscapeXml(Spoken(scene, point)), marker);
    }
  }
  std::vector<Spot> spots;
  for (const PlacedPoint& one : placed) spots.push_back(one.spot);
  const std::vector<std::vector<size_t>> groups = Groups(spots, kTogetherPx);
  // The most crowded choose first, while there is room.
  std::vector<size_t> crowd(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    crowd[g] = static_cast<size_t>(std::count_if(spots.begin(), spots.end(), [&](const Spot& s) {
      const Spot own = spots[groups[g][0]];
      return std::hypot(s.x - own.x, s.y - own.y) < kCrowdPx;
    }));
  }
  std::vector<size_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return crowd[a] > crowd[b]; });
  int without_room = 0;
  for (const size_t g : order) {
    std::vector<int> numbers;
    std::vector<size_t> points;
    std::vector<Spot> others;
    for (size_t i = 0; i < spots.size(); ++i) {
      if (std::find(groups[g].begin(), groups[g].end(), i) == groups[g].end()) {
        others.push_back(spots[i]);
      } else {
        numbers.push_back(scene.model.points[placed[i].point].number);
        points.push_back(placed[i].point);
      }
    }
    const std::string text = NumberRanges(numbers);
    const Spot spot = spots[groups[g][0]];
    const std::vector<Place> places =
        PlacesRound(spot, kPointRadiusPx, TextWidth(text, kNumberFontPx) + 1, kNumberHeight, others,
                    placed.size() > kManyPoints ? kNearPx : kFarthestPx);
    const std::optional<size_t> taken = scene.placer.Put(places);
    if (!taken) {
      without_room += static_cast<int>(numbers.size());
      continue;
    }
    const Box& box = places[*taken].boxes[0];
    const std::string data = scene.Data('p', points);
    DrawLeader(scene, spot, box, data);
    scene.out += fmt::format("<text class=\"halo num\"{} x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                             data, (box.left + box.right) / 2, box.bottom - 0.6, text);
  }
  return without_room;
}

}  // namespace wattline::roofline
