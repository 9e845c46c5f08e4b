// Curves of the roofs, their ridge points, the sweep they were fitted to, and their labels.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <tuple>

#include "roofline/plot_text.h"
#include "roofline/svg_scene.h"

namespace wattline::roofline {
namespace {

// A curve is sampled every so many pixels; samples on a straight line are left out again.
constexpr double kStepPx = 3;
constexpr double kStraightPx = 0.15;
// Roofs whose values differ by less share a label.
constexpr double kSameLabel = 1.12;
constexpr double kLabelGapPx = 5;
constexpr double kRidgePx = 3.6;
constexpr double kSweepPx = 2.2;

std::optional<Spot> At(const Scene& scene, const PlotRoof& roof, double x_px) {
  const std::optional<double> value = scene.RoofY(roof, scene.x.Value(x_px));
  if (!value) return std::nullopt;
  return Spot{x_px, scene.y.Px(*value / scene.unit.flop)};
}

// The visible part of the roof, left to right.
std::vector<Spot> Curve(const Scene& scene, const PlotRoof& roof) {
  std::vector<Spot> all;
  const int steps = static_cast<int>((scene.frame.right - scene.frame.left) / kStepPx);
  for (int i = 0; i <= steps; ++i) {
    const double x = scene.frame.left + (scene.frame.right - scene.frame.left) * i / steps;
    const std::optional<Spot> spot = At(scene, roof, x);
    if (!spot) return {};
    if (spot->y <= scene.frame.bottom && spot->y >= scene.frame.top) all.push_back(*spot);
  }
  std::vector<Spot> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    while (kept.size() >= 2) {
      const Spot a = kept[kept.size() - 2];
      const Spot b = kept.back();
      const double on_line = a.y + (all[i].y - a.y) * (b.x - a.x) / (all[i].x - a.x);
      // The bend since `a` grows with the distance, so that a long gentle one is kept too.
      const double most = kStraightPx * std::min(1.0, kStepPx * 8 / (all[i].x - a.x));
      if (std::abs(on_line - b.y) > most) break;
      kept.pop_back();
    }
    kept.push_back(all[i]);
  }
  return kept;
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
  const std::optional<Spot> spot = At(scene, roof, scene.x.Px(at.value));
  if (!spot) return;
  double low = spot->x;
  double high = spot->x;
  if (at.low > 0 && at.high >= at.value && at.low <= at.value && std::isfinite(at.high)) {
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
  for (const IntensityPoint& point : roof.roof.points) {
    if (!(point.flop_per_byte > 0) || !(point.flop_per_s > 0)) continue;
    if (scene.options.energy && !(point.watts && *point.watts > 0)) continue;
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

struct Labelled {
  size_t roof;
  double value;
};

// Roofs of one key with nearly the same value, sorted by it.
std::vector<std::vector<Labelled>> SameLabels(std::vector<Labelled> all) {
  std::sort(all.begin(), all.end(), [](const Labelled& a, const Labelled& b) {
    return std::tie(a.value, a.roof) < std::tie(b.value, b.roof);
  });
  std::vector<std::vector<Labelled>> groups;
  for (const Labelled& one : all) {
    if (groups.empty() || one.value > groups.back()[0].value * kSameLabel) groups.push_back({});
    groups.back().push_back(one);
  }
  return groups;
}

std::string ValueRange(const std::vector<Labelled>& group, double unit) {
  const std::string low = ShortNumber(group.front().value / unit);
  const std::string high = ShortNumber(group.back().value / unit);
  return low == high ? high : low + "\u2013" + high;
}

std::string Joined(const PlotModel& model, const std::vector<Labelled>& group,
                   std::string RoofKey::*what) {
  std::vector<std::string> names;
  std::string text;
  for (const Labelled& one : group) {
    const std::string& name = model.roofs[one.roof].roof.key.*what;
    if (IndexOf(names, name) < names.size()) continue;
    names.push_back(name);
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::vector<size_t> Roofs(const std::vector<Labelled>& group) {
  std::vector<size_t> roofs;
  for (const Labelled& one : group) roofs.push_back(one.roof);
  std::sort(roofs.begin(), roofs.end());
  return roofs;
}

// Puts `text` at one of the anchors, turned by `slope`; false where it has no room.
bool PutLabel(Scene& scene, const std::vector<Spot>& anchors, double slope, const std::string& text,
              const std::string& colour_class, const std::vector<size_t>& roofs) {
  constexpr double kHeight = kSmallFontPx * 0.95;
  const double width = TextWidth(text, kSmallFontPx);
  const std::vector<Place> places = PlacesAlong(anchors, slope, width, kHeight, kLabelGapPx);
  const std::optional<size_t> taken = scene.placer.Put(places);
  if (!taken) return false;
  const double side = *taken < anchors.size() ? 1 : -1;
  const Spot anchor = anchors[*taken % anchors.size()];
  const double angle = std::atan(slope);
  const double off = side * (kLabelGapPx + kHeight / 2) - kSmallFontPx * 0.36;  // to the baseline
  const double x = anchor.x - std::sin(angle) * off;
  const double y = anchor.y - std::cos(angle) * off;
  scene.Text(
      x, y, kSmallFontPx, text,
      fmt::format("class=\"halo {}\" text-anchor=\"middle\" transform=\"rotate({:.2f} {:.1f} "
                  "{:.1f})\"{}",
                  colour_class, -angle * 180 / 3.14159265358979, x, y, scene.Data('r', roofs)));
  return true;
}

// Middles of a text on the slope of this roof, from a third of its way on, then the rest.
std::vector<Spot> SlopeAnchors(const Scene& scene, const PlotRoof& roof, double width) {
  const std::vector<Spot> curve = Curve(scene, roof);
  if (curve.empty()) return {};
  const double from = curve.front().x + width * 0.45;
  const double to = scene.x.Px(roof.roof.ridge_flop_per_byte.value / 3) - width * 0.3;
  std::vector<Spot> anchors;
  for (const double part : {0.25, 0.3, 0.35, 0.2, 0.4,  0.15, 0.45, 0.1, 0.5,  0.05, 0.55,
                            0.0,  0.6, 0.65, 0.7, 0.75, 0.8,  0.85, 0.9, 0.95, 1.0}) {
    if (const auto spot = At(scene, roof, from + (to - from) * part); to > from && spot) {
      anchors.push_back(*spot);
    }
  }
  return anchors;
}

std::vector<Spot> PlateauAnchors(const Scene& scene, const PlotRoof& roof, double width) {
  const double last = scene.frame.right - width / 2 - 2;
  const double first = scene.x.Px(roof.roof.ridge_flop_per_byte.value * 2) + width / 2;
  std::vector<Spot> anchors;
  for (double x = last; x >= std::min(first, last); x -= 30) {
    // As high as the curve is at the text's right end.
    if (const auto spot = At(scene, roof, x + width / 2)) anchors.push_back({x, spot->y});
  }
  return anchors;
}

using Key = std::tuple<size_t, std::string, std::string>;

// Calls `put` for each group of roofs that share chip, backend and `what`, and nearly their value.
void ForEachGroup(const Scene& scene, std::string RoofKey::*what,
                  const std::function<std::optional<double>(const PlotRoof&)>& value,
                  const std::function<void(const std::vector<Labelled>&)>& put) {
  std::vector<std::pair<Key, std::vector<Labelled>>> keys;
  for (size_t i = 0; i < scene.model.roofs.size(); ++i) {
    const PlotRoof& roof = scene.model.roofs[i];
    const std::optional<double> v = value(roof);
    if (!v) continue;
    const Key key = {roof.chip, roof.roof.key.backend, roof.roof.key.*what};
    auto at = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.first == key; });
    if (at == keys.end()) at = keys.insert(keys.end(), {key, {}});
    at->second.push_back({i, *v});
  }
  for (const auto& [key, all] : keys) {
    for (const std::vector<Labelled>& group : SameLabels(all)) put(group);
  }
}

}  // namespace

void DrawRoofs(Scene& scene) {
  for (size_t i = 0; i < scene.model.roofs.size(); ++i) {
    const PlotRoof& roof = scene.model.roofs[i];
    const std::vector<Spot> curve = Curve(scene, roof);
    if (curve.size() < 2) continue;
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
    scene.out += fmt::format("<path class=\"roof s{}\"{} d=\"{}\"/>", colour,
                             dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", dash),
                             PathOf(curve));
    for (size_t s = 1; s < curve.size(); ++s) scene.placer.AddLine(curve[s - 1], curve[s]);
    DrawSweep(scene, roof, colour);
    DrawRidge(scene, roof, colour);
    scene.out += "</g>\n";
  }
}

void PlaceRoofLabels(Scene& scene) {
  const PlotModel& model = scene.model;
  const bool energy = scene.options.energy;
  std::vector<std::string> backends;
  for (const PlotRoof& roof : model.roofs) {
    const std::string& backend = roof.roof.key.backend;
    if (IndexOf(backends, backend) == backends.size()) backends.push_back(backend);
  }
  const auto backend_of = [&](const std::vector<Labelled>& group) {
    return backends.size() > 1 ? " " + model.roofs[group[0].roof].roof.key.backend : "";
  };
  const auto label_class = [&](const std::vector<Labelled>& group, bool by_format) {
    const PlotRoof& roof = model.roofs[group[0].roof];
    if (!scene.many_chips && !by_format) return std::string();
    return fmt::format("t{}", scene.Colour(roof.chip, roof.roof.key.format));
  };
  ForEachGroup(
      scene, &RoofKey::format, [&](const PlotRoof& r) { return scene.RoofY(r, scene.x.high); },
      [&](const std::vector<Labelled>& group) {
        const PlotRoof& top = model.roofs[group.back().roof];
        const std::string& format = top.roof.key.format;
        const std::string text =
            fmt::format("{}{} {} {}", format, backend_of(group), ValueRange(group, scene.unit.flop),
                        scene.UnitName(format));
        PutLabel(scene, PlateauAnchors(scene, top, TextWidth(text, kSmallFontPx)), 0, text,
                 label_class(group, true), Roofs(group));
      });
  const double slope = scene.y.DecadePx() / scene.x.DecadePx();
  ForEachGroup(
      scene, &RoofKey::level,
      [&](const PlotRoof& r) {
        // FLOP/J at the left end orders the curves of an energy roof as bandwidth does those of
        // time.
        return energy ? scene.RoofY(r, scene.x.low) : std::optional(r.roof.byte_per_s.value);
      },
      [&](const std::vector<Labelled>& group) {
        const PlotRoof& top = model.roofs[group.back().roof];
        const auto put = [&](const std::string& text) {
          return PutLabel(scene, SlopeAnchors(scene, top, TextWidth(text, kSmallFontPx)), slope,
                          text, label_class(group, false), Roofs(group));
        };
        const std::string name = Joined(model, group, &RoofKey::level) + backend_of(group);
        const bool tera = group.back().value >= 1e13;
        const double unit = tera ? 1e12 : 1e9;
        const std::string_view unit_name = tera ? "TB/s" : "GB/s";
        // The roofs' table has all bandwidths; where there is no room the name is enough.
        if (!energy) {
          if (put(fmt::format("{} {} {}", name, ValueRange(group, unit), unit_name))) return;
        }
        put(name);
      });
}

}  // namespace wattline::roofline
