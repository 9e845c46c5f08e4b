// Tables of the legend: entries that flow in as many columns as fit. Only svg_*.cc include this.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "roofline/svg_scene.h"

namespace wattline::roofline {

inline constexpr double kLeftPx = 20;
inline constexpr double kRightPx = kPlotWidthPx - 20;
inline constexpr double kLinePx = 17;
inline constexpr double kTableFontPx = 11.5;
inline constexpr double kGapPx = 9;  // between cells
inline constexpr double kColumnGapPx = 30;
inline constexpr double kGlyphPx = 26;

// A line of the legend: a drawing, then cells in columns.
struct Entry {
  std::function<void(double x, double y)> glyph;  // at its middle
  std::vector<std::string> cells;
  std::string data;  // for the page
};

struct Columns {
  std::vector<std::string> heads;
  std::vector<bool> right;
  size_t glyph_at = 0;  // the cell that the drawing stands before
};

// The height that it takes from `top`, the baseline of its heads, on.
double DrawTable(Scene& scene, double top, const std::vector<Entry>& entries,
                 const Columns& columns);

}  // namespace wattline::roofline
