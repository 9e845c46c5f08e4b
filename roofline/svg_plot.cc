#include "roofline/svg_plot.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "roofline/plot_text.h"
#include "roofline/svg_scene.h"

namespace wattline::roofline {
namespace {

constexpr Box kFrame = {84, 56, kPlotWidthPx - 26, 656};
constexpr double kTitleFontPx = 19;
constexpr double kAxisFontPx = 14;
constexpr double kTickFontPx = 12.5;
constexpr double kLegendTopPx = 722;
// Room between the outermost value and the frame.
constexpr double kAround = 1.5;
constexpr double kHeadRoom = 1.9;  // for the labels of the highest roof
// A roof's corner is in the picture with this factor to either side.
constexpr double kRoundRidge = 6;

struct ValueSpan {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  void Add(double value) {
    if (!std::isfinite(value) || value <= 0) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Of the usual formats, so that they look the same in every plot.
std::optional<size_t> FixedColour(const std::string& format) {
  constexpr std::array<std::string_view, 6> kUsual = {"f32", "bf16", "int8", "f16", "q8_0", "q4_0"};
  const auto at = std::find(kUsual.begin(), kUsual.end(), format);
  if (at == kUsual.end()) return std::nullopt;
  return static_cast<size_t>(at - kUsual.begin());
}

// Other formats take the colours that are left, in their order.
size_t FormatColour(const std::vector<std::string>& formats, const std::string& format) {
  if (const std::optional<size_t> fixed = FixedColour(format)) return *fixed;
  std::vector<size_t> left;
  for (size_t colour = 0; colour < kSeriesColours; ++colour) {
    if (std::none_of(formats.begin(), formats.end(),
                     [&](const std::string& other) { return FixedColour(other) == colour; })) {
      left.push_back(colour);
    }
  }
  size_t before = 0;
  for (const std::string& other : formats) {
    if (other == format) break;
    if (!FixedColour(other)) ++before;
  }
  return left.empty() ? 0 : left[before % left.size()];
}

void DrawAxes(Scene& scene) {
  const Box& f = scene.frame;
  std::string grid;
  for (const Tick& tick : Ticks(scene.x, 34)) {
    const double at = scene.x.Px(tick.value);
    grid += fmt::format("M{:.1f} {:.1f}V{:.1f}", at, f.top, f.bottom);
    scene.Text(at, f.bottom + 19, kTickFontPx, tick.text, "text-anchor=\"middle\"");
  }
  for (const Tick& tick : Ticks(scene.y, 22)) {
    const double at = scene.y.Px(tick.value);
    grid += fmt::format("M{:.1f} {:.1f}H{:.1f}", f.left, at, f.right);
    scene.Text(f.left - 8, at + 4.5, kTickFontPx, tick.text, "text-anchor=\"end\"");
  }
  scene.out += fmt::format("<path class=\"grid\" d=\"{}\"/>\n", grid);
  scene.out += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\"/>\n", f.left,
                           f.top, f.bottom, f.right);
  scene.Text((f.left + f.right) / 2, f.bottom + 43, kAxisFontPx, "arithmetic intensity, FLOP/byte",
             "text-anchor=\"middle\"");
  std::string y_title = (scene.options.energy ? "efficiency, " : "speed, ") + scene.unit.name;
  const std::string integer = "int8";
  if (scene.ShowsRoof(nullptr, &integer) || scene.ShowsPoint(nullptr, &integer)) {
    y_title += fmt::format(" (int8: {})", scene.unit.int_name);
  }
  const double middle = (f.top + f.bottom) / 2;
  scene.Text(22, middle, kAxisFontPx, y_title,
             fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 22 {:.1f})\"", middle));
}

LogAxis XAxis(const PlotModel& model) {
  ValueSpan span;
  for (const PlotPoint& point : model.points) span.Add(*point.judged.flop_per_byte);
  for (const PlotRoof& roof : model.roofs) {
    const double ridge = roof.roof.ridge_flop_per_byte.value;
    span.Add(ridge / kRoundRidge);
    span.Add(ridge * kRoundRidge);
    for (const IntensityPoint& point : roof.roof.points) span.Add(point.flop_per_byte);
    for (const IntensityPoint& point : roof.energy_points) span.Add(point.flop_per_byte);
  }
  return {TickBelow(span.low / kAround), TickAbove(span.high * kAround), kFrame.left, kFrame.right};
}

LogAxis YAxis(const Scene& scene) {
  ValueSpan span;
  for (const PlotPoint& point : scene.model.points) span.Add(scene.PointY(point).value_or(0));
  for (const PlotRoof& roof : scene.model.roofs) {
    span.Add(scene.RoofY(roof, scene.x.low).value_or(0));
    span.Add(scene.RoofY(roof, scene.x.high).value_or(0));
    for (const IntensityPoint& point : scene.Sweep(roof)) {
      span.Add(scene.options.energy ? point.flop_per_s / *point.watts : point.flop_per_s);
    }
  }
  if (span.high == 0) span.Add(1e9);
  return {TickBelow(span.low / kAround / scene.unit.flop),
          TickAbove(span.high * kHeadRoom / scene.unit.flop), kFrame.bottom, kFrame.top};
}

YUnit UnitOf(const PlotModel& model, bool energy) {
  if (energy) return {1e9, "GFLOP/J", "GOP/J"};
  ValueSpan span;
  for (const PlotRoof& roof : model.roofs) span.Add(roof.roof.peak_flop_per_s.value);
  if (span.high >= 1e13) return {1e12, "TFLOP/s", "TOP/s"};
  return {1e9, "GFLOP/s", "GOP/s"};
}

}  // namespace

size_t IndexOf(const std::vector<std::string>& list, const std::string& value) {
  return static_cast<size_t>(std::find(list.begin(), list.end(), value) - list.begin());
}

size_t Scene::Colour(size_t chip, const std::string& format) const {
  return many_chips ? chip % kSeriesColours : FormatColour(model.formats, format);
}

size_t Scene::Fill(const std::string& format) const {
  return many_chips ? IndexOf(model.formats, format) % kMarkerFills : 0;
}

size_t Scene::Shape(const std::string& fixture) const {
  return IndexOf(model.fixtures, fixture) % kMarkerShapes;
}

std::optional<double> Scene::RoofY(const PlotRoof& roof, double flop_per_byte) const {
  return options.energy ? RoofEfficiency(roof, flop_per_byte) : RoofSpeed(roof, flop_per_byte);
}

std::vector<IntensityPoint> Scene::Sweep(const PlotRoof& roof) const {
  std::vector<IntensityPoint> sweep = options.energy ? roof.energy_points : roof.roof.points;
  std::erase_if(sweep, [&](const IntensityPoint& point) {
    return !(point.flop_per_byte > 0) || !(point.flop_per_s > 0) ||
           (options.energy && !(point.watts && *point.watts > 0));
  });
  return sweep;
}

bool Scene::ShowsRoof(const size_t* chip, const std::string* format) const {
  return std::any_of(model.roofs.begin(), model.roofs.end(), [&](const PlotRoof& roof) {
    return (chip == nullptr || roof.chip == *chip) &&
           (format == nullptr || roof.roof.key.format == *format) &&
           (!options.energy || roof.energy || !Sweep(roof).empty());
  });
}

bool Scene::ShowsPoint(const size_t* chip, const std::string* format) const {
  return std::any_of(model.points.begin(), model.points.end(), [&](const PlotPoint& point) {
    return (chip == nullptr || point.chip == *chip) &&
           (format == nullptr || point.judged.format == *format) && PointY(point);
  });
}

std::optional<double> Scene::PointY(const PlotPoint& point) const {
  const std::optional<double> value =
      options.energy ? point.judged.flop_per_joule : point.judged.flop_per_s;
  return value && std::isfinite(*value) && *value > 0 ? value : std::nullopt;
}

std::optional<Spot> Scene::PointSpot(const PlotPoint& point) const {
  const std::optional<double> value = PointY(point);
  if (!value) return std::nullopt;
  return Spot{x.Px(*point.judged.flop_per_byte), y.Px(*value / unit.flop)};
}

const std::string& Scene::UnitName(const std::string& format) const {
  return format == "int8" ? unit.int_name : unit.name;
}

std::string Scene::Data(char what, const std::vector<size_t>& numbers) const {
  if (!options.page) return "";
  return fmt::format(" data-{}=\"{}\"", what, fmt::join(numbers, " "));
}

void Scene::Text(double at_x, double at_y, double font_px, std::string_view text,
                 std::string_view attributes) {
  if (text.empty()) return;
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\"{}{}>{}</text>\n", at_x,
                     at_y, font_px, attributes.empty() ? "" : " ", attributes, EscapeXml(text));
}

std::string PlotSvg(const PlotModel& model, const SvgOptions& options) {
  Scene scene = {.model = model,
                 .options = options,
                 .frame = kFrame,
                 .x = XAxis(model),
                 .y = {},
                 .unit = UnitOf(model, options.energy),
                 .placer = LabelPlacer(kFrame),
                 .out = "",
                 .many_chips = model.chips.size() > 1};
  scene.y = YAxis(scene);
  const std::string title = PlotTitle(model, options.energy);
  scene.Text(kFrame.left, 34, kTitleFontPx,
             Shortened(title, kTitleFontPx, kFrame.right - kFrame.left), "font-weight=\"600\"");
  DrawAxes(scene);
  ReservePoints(scene);
  DrawRoofs(scene);
  PlaceRoofLabels(scene);
  const int without_room = DrawPoints(scene);
  const double height = kLegendTopPx + DrawLegend(scene, kLegendTopPx, without_room);
  std::vector<size_t> half_filled;
  if (scene.many_chips) {
    for (size_t c = 0; c < std::min(model.chips.size(), kSeriesColours); ++c) {
      half_filled.push_back(c);
    }
    if (half_filled.size() <= kNeutralColour) half_filled.push_back(kNeutralColour);
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:g} {1:.0f}\" role=\"{2}\" aria-label=\"{3}\">\n<style>{4}</style>\n"
      "<defs><clipPath id=\"{11}frame\"><path d=\"M{5:g} {6:g}H{7:g}V{8:g}H{5:g}Z\"/></clipPath>{9}"
      "</defs>\n<path class=\"bg\" d=\"M0 0H{0:g}V{1:.0f}H0Z\"/>\n{10}</svg>\n",
      kPlotWidthPx, height, options.page ? "group" : "img", EscapeXml(title),
      SvgStyleSheet(options.theme), kFrame.left, kFrame.top, kFrame.right, kFrame.bottom,
      MarkerDefs(half_filled, scene.Prefix()), scene.out, scene.Prefix());
}

}  // namespace wattline::roofline
