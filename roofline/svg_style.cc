#include "roofline/svg_style.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>

namespace wattline::roofline {
namespace {

struct Palette {
  std::string_view ground;
  std::string_view text;
  std::string_view soft;  // second text
  std::string_view line;  // grid
  std::array<std::string_view, kSeriesColours> series;
};

// Blue, vermillion, green, purple, orange, sky blue, black or white, yellow.
constexpr Palette kLight = {
    "#ffffff",
    "#1b1b1b",
    "#5c5c5c",
    "#e3e3e3",
    {"#0072b2", "#d55e00", "#009e73", "#b0578d", "#b97f00", "#3a9bd6", "#3b3b3b", "#8f8500"}};
constexpr Palette kDark = {
    "#15181c",
    "#ececec",
    "#a9b0b8",
    "#30363d",
    {"#3fa0e0", "#f07a2c", "#1fc598", "#dd8fbd", "#e6a817", "#8fd0f7", "#d0d0d0", "#f0e442"}};

std::string ColourRules(const Palette& p) {
  std::string css = fmt::format(
      ".bg{{fill:{0}}}text{{fill:{1}}}.soft{{fill:{2}}}.grid{{stroke:{3}}}.axis{{stroke:{2}}}"
      ".halo{{stroke:{0}}}.lead{{stroke:{2}}}.gb{{stop-color:{0}}}",
      p.ground, p.text, p.soft, p.line);
  for (size_t i = 0; i < kSeriesColours; ++i) {
    css += fmt::format(
        ".s{0}{{stroke:{1}}}.f{0}{{stroke:{1};fill:{1}}}.h{0}{{stroke:{1};fill:{2}}}"
        ".t{0}{{fill:{1}}}.g{0}{{stop-color:{1}}}",
        i, p.series[i], p.ground);
  }
  return css;
}

std::string Variables(const Palette& p) {
  std::string css =
      fmt::format("--bg:{};--fg:{};--soft:{};--line:{};", p.ground, p.text, p.soft, p.line);
  for (size_t i = 0; i < kSeriesColours; ++i) css += fmt::format("--s{}:{};", i, p.series[i]);
  return css;
}

constexpr std::string_view kShapeRules =
    "text{font-family:Helvetica Neue,Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif}"
    ".grid{stroke-width:1}.axis{stroke-width:1;fill:none}.roof{fill:none;stroke-width:2}"
    ".straight{fill:none;stroke-width:1;opacity:.4}.ridge{stroke-width:1.6}"
    ".sweep{stroke-width:1;opacity:.75}.p{stroke-width:1.5}.lead{stroke-width:.7}"
    ".halo{stroke-width:3;stroke-linejoin:round;paint-order:stroke}"
    ".num{font-size:11px;text-anchor:middle}.off{display:none}.dim{opacity:.3}";

// Corners relative to each other: half the letters.
std::string Polygon(double x, double y, double radius, int corners, double turn, double inner) {
  std::string path;
  double from_x = 0;
  double from_y = 0;
  for (int i = 0; i < corners; ++i) {
    const double angle = turn + 2 * std::numbers::pi * i / corners;
    const double reach = i % 2 == 1 ? radius * inner : radius;
    // Rounded before the difference is taken, so that differences add up.
    const double to_x = std::round((x + reach * std::sin(angle)) * 10) / 10;
    const double to_y = std::round((y - reach * std::cos(angle)) * 10) / 10;
    path += i == 0
                ? fmt::format("M{:.1f} {:.1f}l", to_x, to_y)
                : fmt::format("{}{:.1f} {:.1f}", i == 1 ? "" : " ", to_x - from_x, to_y - from_y);
    from_x = to_x;
    from_y = to_y;
  }
  return path + "z";
}

std::string ShapePath(size_t shape, double x, double y, double r) {
  constexpr double kPi = std::numbers::pi;
  switch (shape) {
    case 1:
      return Polygon(x, y, r * 1.25, 4, kPi / 4, 1);  // square
    case 2:
      return Polygon(x, y + r * 0.2, r * 1.4, 3, 0, 1);  // triangle
    case 3:
      return Polygon(x, y, r * 1.3, 4, 0, 1);  // diamond
    case 4:
      return Polygon(x, y - r * 0.2, r * 1.4, 3, kPi, 1);  // triangle downwards
    case 5:
      return Polygon(x, y, r * 1.2, 5, 0, 1);  // pentagon
    case 6:
      return Polygon(x, y, r * 1.5, 10, 0, 0.5);  // star
    default:
      return Polygon(x, y, r * 1.5, 8, 0, 0.45);  // star of four
  }
}

}  // namespace

std::string SvgStyleSheet(Theme theme) {
  std::string css(kShapeRules);
  css += ColourRules(theme == Theme::kDark ? kDark : kLight);
  if (theme == Theme::kAuto) {
    css += fmt::format("@media (prefers-color-scheme:dark){{{}}}", ColourRules(kDark));
  }
  return css;
}

std::string PageVariables(Theme theme) {
  const auto root = [](std::string_view scheme, const Palette& p) {
    return fmt::format(":root{{color-scheme:{};{}}}", scheme, Variables(p));
  };
  if (theme == Theme::kDark) return root("dark", kDark);
  if (theme == Theme::kLight) return root("light", kLight);
  return root("light dark", kLight) +
         fmt::format("@media (prefers-color-scheme:dark){{:root{{{}}}}}", Variables(kDark));
}

std::string MarkerDefs(const std::vector<size_t>& colours, std::string_view prefix) {
  // From the filled side to the empty one.
  constexpr std::array<std::string_view, 4> kWay = {
      "x2=\"1\" y2=\"0\"", "x1=\"1\" x2=\"0\" y2=\"0\"", "x2=\"0\" y1=\"1\" y2=\"0\"",
      "x2=\"0\" y2=\"1\""};
  std::string defs;
  for (const size_t colour : colours) {
    for (size_t way = 0; way < kWay.size(); ++way) {
      defs += fmt::format(
          "<linearGradient id=\"{}half{}-{}\" {}><stop offset=\".5\" class=\"g{}\"/>"
          "<stop offset=\".5\" class=\"gb\"/></linearGradient>",
          prefix, colour, way + 2, kWay[way], colour);
    }
  }
  return defs;
}

std::string Marker(size_t shape, size_t fill, size_t colour, double x, double y, double radius,
                   std::string_view prefix, std::string_view attributes) {
  std::string look = fmt::format("class=\"p {}{}\"",
                                 fill == 0   ? "f"
                                 : fill == 1 ? "h"
                                             : "s",
                                 colour);
  if (fill > 1) look += fmt::format(" fill=\"url(#{}half{}-{})\"", prefix, colour, fill);
  look += attributes;
  if (shape == 0) {
    return fmt::format("<circle {} cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"/>", look, x, y, radius);
  }
  return fmt::format("<path {} d=\"{}\"/>", look, ShapePath(shape, x, y, radius));
}

std::string_view Dash(size_t index) {
  constexpr std::array<std::string_view, 6> kDash = {"", "9 4", "2 3", "9 3 2 3", "14 4", "5 3"};
  return kDash[index % kDash.size()];
}

}  // namespace wattline::roofline
