// What the parts of the drawing share: frame, axes, looks, labels placed so far, text so far. Only
// svg_*.cc include this.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "roofline/plot_axis.h"
#include "roofline/plot_labels.h"
#include "roofline/plot_model.h"
#include "roofline/svg_plot.h"

namespace wattline::roofline {

inline constexpr double kSmallFontPx = 12;
inline constexpr double kNumberFontPx = 11;
inline constexpr double kPointRadiusPx = 4.6;

// The factor and the names that values of y are shown in.
struct YUnit {
  double flop = 1e9;
  std::string name;      // "GFLOP/s", "GFLOP/J"
  std::string int_name;  // "GOP/s"
};

struct Scene {
  const PlotModel& model;
  const SvgOptions& options;
  Box frame;  // of the axes
  LogAxis x;
  LogAxis y;  // in units
  YUnit unit;
  LabelPlacer placer;
  std::string out;

  // Several chips: a colour each, formats differ in fill and dash. One chip: a colour per format.
  bool many_chips = false;
  size_t Colour(size_t chip, const std::string& format) const;
  size_t Fill(const std::string& format) const;
  size_t Shape(const std::string& fixture) const;

  std::optional<double> RoofY(const PlotRoof& roof, double flop_per_byte) const;
  // Measured points beside the roof that have a place: of time, or those with watts.
  std::vector<IntensityPoint> Sweep(const PlotRoof& roof) const;
  std::optional<double> PointY(const PlotPoint& point) const;
  std::optional<Spot> PointSpot(const PlotPoint& point) const;
  const std::string& UnitName(const std::string& format) const;
  // On a page ` data-r="3 5"`, so that it can show and hide; else nothing.
  std::string Data(char what, const std::vector<size_t>& numbers) const;

  // Whether a roof, or a point, of this chip or format is in the picture; null: of any.
  bool ShowsRoof(const size_t* chip, const std::string* format) const;
  bool ShowsPoint(const size_t* chip, const std::string* format) const;
  // Of ids; the pictures of time and of energy stand in one page.
  std::string_view Prefix() const { return options.energy ? "energy-" : "time-"; }
  std::string MarkerAt(size_t shape, size_t fill, size_t colour, double at_x, double at_y,
                       double radius = kPointRadiusPx) const {
    return Marker(shape, fill, colour, at_x, at_y, radius, Prefix());
  }
  void Text(double at_x, double at_y, double font_px, std::string_view text,
            std::string_view attributes = "");
};

// The list's size where it is not there.
size_t IndexOf(const std::vector<std::string>& list, const std::string& value);

// The roof at a place of the x axis; absent where it has no value.
std::optional<Spot> RoofSpot(const Scene& scene, const PlotRoof& roof, double x_px);
// The visible part of the roof, left to right, without what lies on a straight line.
std::vector<Spot> RoofCurve(const Scene& scene, const PlotRoof& roof);

void DrawRoofs(Scene& scene);
void PlaceRoofLabels(Scene& scene);
// Takes the markers' room before any label is placed.
void ReservePoints(Scene& scene);
// Number of those whose number found no room.
int DrawPoints(Scene& scene);
// Below the axes, from `top` on; the height that it takes.
double DrawLegend(Scene& scene, double top, int without_room);

}  // namespace wattline::roofline
