// Curves of the roofs, their ridge points, and the sweep they were fitted to.
#include <algorithm>
#include <cmath>

#include "roofline/svg_scene.h"

namespace wattline::roofline {
namespace {

// A curve is sampled every so many pixels; samples on a straight line are left out again.
constexpr double kStepPx = 3;
constexpr double kStraightPx = 0.2;
constexpr double kRidgePx = 3.6;
constexpr double kSweepPx = 2.2;

// The longest part of `all` from `first` that a straight line stands for.
size_t StraightEnd(const std::vector<Spot>& all, size_t first) {
  size_t end = first + 1;
  for (size_t last = end + 1; last < all.size(); ++last) {
    const double slope = (all[last].y - all[first].y) / (all[last].x - all[first].x);
    for (size_t i = first + 1; i < last; ++i) {
      const double y = all[first].y + slope * (all[i].x - all[first].x);
      if (std::abs(y - all[i].y) > kStraightPx) return end;
    }
    end = last;
  }
  return end;
}

std::string PathOf(const std::vector<Spot>& spots) {
  std::string path;
  for (size_t i = 0; i < spots.size(); ++i) {
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", spots[i].x, spots[i].y);
  }
  return path;
}

std::string StraightPath(const Scene& scene, const Roof& roof) {
  const double bandwidth = roof.byte_per_s.value;
  const double ridge = roof.peak_flop_per_s.value / bandwidth;
  const auto y = [&](double flop_per_s) { return scene.y.Px(flop_per_s / scene.unit.flop); };
  return fmt::format("M{:.1f} {:.1f}L{:.1f} {:.1f}H{:.1f}", scene.frame.left,
                     y(bandwidth * scene.x.low), scene.x.Px(ridge), y(roof.peak_flop_per_s.value),
                     scene.frame.right);
}

// Ridge or balance point on the curve with its interval as a bar.
void DrawRidge(Scene& scene, const PlotRoof& roof, size_t colour) {
  const Interval& at =
      scene.options.energy ? roof.energy->balance_flop_per_byte : roof.roof.ridge_flop_per_byte;
  if (!(at.value > scene.x.low && at.value < scene.x.high)) return;
  const std::optional<Spot> spot = RoofSpot(scene, roof, scene.x.Px(at.value));
  if (!spot) return;
  double low = spot->x;
  double high = spot->x;
  if (at.low > 0 && at.high > at.low && at.high >= at.value && at.low <= at.value &&
      std::isfinite(at.high)) {
    low = std::max(scene.x.Px(at.low), scene.frame.left);
    high = std::min(scene.x.Px(at.high), scene.frame.right);
    scene.out += fmt::format(
        "<path class=\"ridge s{0}\" d=\"M{1:.1f} {2:.1f}H{3:.1f}M{1:.1f} {4:.1f}v8M{3:.1f} "
        "{4:.1f}v8\"/>",
        colour, low, spot->y, high, spot->y - 4);
  }
  scene.out += scene.MarkerAt(3, 1, colour, spot->x, spot->y, kRidgePx);
  scene.placer.AddObstacle({std::min(low, spot->x - kRidgePx - 1.5), spot->y - kRidgePx - 2,
                            std::max(high, spot->x + kRidgePx + 1.5), spot->y + kRidgePx + 2});
}

void DrawSweep(Scene& scene, const PlotRoof& roof, size_t colour) {
  std::string used, failed;
  for (const IntensityPoint& point : scene.Sweep(roof)) {
    const double value = scene.options.energy ? point.flop_per_s / *point.watts : point.flop_per_s;
    const Spot spot = {scene.x.Px(point.flop_per_byte), scene.y.Px(value / scene.unit.flop)};
    if (spot.y > scene.frame.bottom || spot.y < scene.frame.top) continue;
    (point.not_used.empty() ? used : failed) +=
        fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>", spot.x, spot.y, kSweepPx);
    // The square in the circle: a turned label may come near its corners.
    constexpr double kReach = kSweepPx * 0.75;
    scene.placer.AddObstacle({spot.x - kReach, spot.y - kReach, spot.x + kReach, spot.y + kReach});
  }
  if (!used.empty()) scene.out += fmt::format("<g class=\"sweep f{}\">{}</g>", colour, used);
  if (!failed.empty()) scene.out += fmt::format("<g class=\"sweep h{}\">{}</g>", colour, failed);
}

}  // namespace

std::optional<Spot> RoofSpot(const Scene& scene, const PlotRoof& roof, double x_px) {
  const std::optional<double> value = scene.RoofY(roof, scene.x.Value(x_px));
  if (!value) return std::nullopt;
  return Spot{x_px, scene.y.Px(*value / scene.unit.flop)};
}

std::vector<Spot> RoofCurve(const Scene& scene, const PlotRoof& roof) {
  std::vector<Spot> all;
  const int steps = static_cast<int>((scene.frame.right - scene.frame.left) / kStepPx);
  for (int i = 0; i <= steps; ++i) {
    const double x = scene.frame.left + (scene.frame.right - scene.frame.left) * i / steps;
    const std::optional<Spot> spot = RoofSpot(scene, roof, x);
    if (!spot) return {};
    if (spot->y <= scene.frame.bottom && spot->y >= scene.frame.top) all.push_back(*spot);
  }
  std::vector<Spot> kept;
  for (size_t i = 0; i < all.size(); i = StraightEnd(all, i)) kept.push_back(all[i]);
  return kept;
}

void DrawRoofs(Scene& scene) {
  for (size_t i = 0; i < scene.model.roofs.size(); ++i) {
    const PlotRoof& roof = scene.model.roofs[i];
    const std::vector<Spot> curve = RoofCurve(scene, roof);
    if (curve.size() < 2 && scene.Sweep(roof).empty()) continue;
    const std::string& format = roof.roof.key.format;
    const size_t colour = scene.Colour(roof.chip, format);
    scene.out += fmt::format("<g{}>", scene.Data('r', {i}));
    if (!scene.options.energy && roof.roof.sharpness) {
      scene.out +=
          fmt::format("<path class=\"straight s{}\" clip-path=\"url(#{}frame)\" d=\"{}\"/>", colour,
                      scene.Prefix(), StraightPath(scene, roof.roof));
    }
    const std::string_view dash =
        scene.many_chips ? Dash(IndexOf(scene.model.formats, format)) : "";
    if (curve.size() > 1) {
      scene.out += fmt::format("<path class=\"roof s{}\"{} d=\"{}\"/>", colour,
                               dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", dash),
                               PathOf(curve));
    }
    for (size_t s = 1; s < curve.size(); ++s) scene.placer.AddLine(curve[s - 1], curve[s]);
    DrawSweep(scene, roof, colour);
    if (curve.size() > 1) DrawRidge(scene, roof, colour);
    scene.out += "</g>\n";
  }
}

}  // namespace wattline::roofline
