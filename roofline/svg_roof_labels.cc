// Names of levels along the slopes and of formats on the plateaus.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <tuple>

#include "roofline/plot_text.h"
#include "roofline/svg_scene.h"

namespace wattline::roofline {
namespace {

// Roofs whose values differ by less share a label.
constexpr double kSameLabel = 1.12;
constexpr double kLabelGapPx = 5;

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

std::string JoinedKeys(const PlotModel& model, const std::vector<Labelled>& group,
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
bool PutLabelAt(Scene& scene, const std::vector<Spot>& anchors, double gap, double slope,
                const std::string& text, const std::string& colour_class,
                const std::vector<size_t>& roofs) {
  constexpr double kHeight = kSmallFontPx * 0.95;
  const double width = TextWidth(text, kSmallFontPx);
  const std::vector<Place> places = PlacesAlong(anchors, slope, width, kHeight, gap);
  const std::optional<size_t> taken = scene.placer.Put(places);
  if (!taken) return false;
  const double side = *taken < anchors.size() ? 1 : -1;
  const Spot anchor = anchors[*taken % anchors.size()];
  const double angle = std::atan(slope);
  const double off = side * (gap + kHeight / 2) - kSmallFontPx * 0.36;  // to the baseline
  const double x = anchor.x - std::sin(angle) * off;
  const double y = anchor.y - std::cos(angle) * off;
  scene.Text(
      x, y, kSmallFontPx, text,
      fmt::format("class=\"halo {}\" text-anchor=\"middle\" transform=\"rotate({:.2f} {:.1f} "
                  "{:.1f})\"{}",
                  colour_class, -angle * 180 / std::numbers::pi, x, y, scene.Data('r', roofs)));
  return true;
}

// Beside the line, else a line of text further away: its colour still tells whose it is.
bool PutLabel(Scene& scene, const std::vector<Spot>& anchors, double slope, const std::string& text,
              const std::string& colour_class, const std::vector<size_t>& roofs) {
  constexpr double kFurtherPx = kLabelGapPx + kSmallFontPx;
  return PutLabelAt(scene, anchors, kLabelGapPx, slope, text, colour_class, roofs) ||
         PutLabelAt(scene, anchors, kFurtherPx, slope, text, colour_class, roofs);
}

// Middles of a text on the slope of this roof, from a third of its way on, then the rest.
std::vector<Spot> SlopeAnchors(const Scene& scene, const PlotRoof& roof, double width) {
  const std::vector<Spot> curve = RoofCurve(scene, roof);
  if (curve.empty()) return {};
  const double from = curve.front().x + width * 0.45;
  const double to = scene.x.Px(roof.roof.ridge_flop_per_byte.value / 3) - width * 0.3;
  std::vector<Spot> anchors;
  for (const double part : {0.25, 0.3, 0.35, 0.2, 0.4,  0.15, 0.45, 0.1, 0.5,  0.05, 0.55,
                            0.0,  0.6, 0.65, 0.7, 0.75, 0.8,  0.85, 0.9, 0.95, 1.0}) {
    if (const auto spot = RoofSpot(scene, roof, from + (to - from) * part); to > from && spot) {
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
    if (const auto spot = RoofSpot(scene, roof, x + width / 2)) anchors.push_back({x, spot->y});
  }
  return anchors;
}

// The peak, or the FLOP per joule of work without bytes at it.
std::optional<double> Plateau(const PlotRoof& roof, bool energy) {
  if (!energy) return roof.roof.peak_flop_per_s.value;
  if (!roof.energy) return std::nullopt;
  const double joule =
      roof.energy->flop_j.value + roof.energy->constant_w.value / roof.roof.peak_flop_per_s.value;
  return joule > 0 ? std::optional(1 / joule) : std::nullopt;
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
      scene, &RoofKey::format, [&](const PlotRoof& r) { return Plateau(r, energy); },
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
        const std::string name = JoinedKeys(model, group, &RoofKey::level) + backend_of(group);
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
