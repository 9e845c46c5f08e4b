// A comparison as one HTML page that needs no network and no other file.
#pragma once

#include <string>

#include "roofline/compare.h"
#include "roofline/html_plot.h"
#include "roofline/svg_style.h"

namespace wattline::roofline {

// page.css with compare_page.css, and compare_page.js, embedded by CMake.
const PageFiles& ComparePageFiles();

// All that the comparison says as JSON in <script id="comparison">, and the script that draws,
// filters and sorts it. Figures have six significant digits; "why" and remarks are kept once each.
std::string ComparePage(const Comparison& comparison, Theme theme = Theme::kAuto);

}  // namespace wattline::roofline
