// The plot's model as one SVG picture.
#pragma once

#include <string>

#include "roofline/plot_model.h"
#include "roofline/svg_style.h"

namespace wattline::roofline {

inline constexpr double kPlotWidthPx = 1200;

struct SvgOptions {
  bool energy = false;  // FLOP per joule in place of FLOP per second
  Theme theme = Theme::kAuto;
  // Part of the page: elements say of which roofs (data-r) and points (data-p) they are, as indices
  // into the model's lists, and the names of the points are left to the page's table.
  bool page = false;
};

// Log-log; the same model gives the same text. Every numbered point is in the legend, also one
// whose number found no room in the picture.
std::string PlotSvg(const PlotModel& model, const SvgOptions& options = {});

}  // namespace wattline::roofline
