// The plot's model as one HTML page that needs no network and no other file.
#pragma once

#include <string>
#include <string_view>

#include "roofline/plot_model.h"
#include "roofline/svg_style.h"

namespace wattline::roofline {

// A page may run its own script and style, and nothing else: not even a mistake can reach the
// network.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'";

// page.css with plot_page.css, and plot_page.js, embedded by CMake.
struct PageFiles {
  std::string_view style;
  std::string_view script;
};
const PageFiles& PlotPageFiles();

// Pictures of time and, where there are joules, of energy; what they show as JSON in
// <script id="model">; and the script that shows, hides, sorts and saves.
std::string PlotPage(const PlotModel& model, const PageFiles& files, Theme theme = Theme::kAuto,
                     bool energy_first = false);

}  // namespace wattline::roofline
