#include "roofline/html_plot.h"

#include <fmt/format.h>

#include "roofline/plot_text.h"
#include "roofline/svg_plot.h"

namespace wattline::roofline {
namespace {

std::string Picture(const PlotModel& model, Theme theme, bool energy, bool hidden) {
  return fmt::format("<div class=\"picture\" data-axis=\"{}\"{}>\n{}</div>\n",
                     energy ? "energy" : "time", hidden ? " hidden" : "",
                     PlotSvg(model, {.energy = energy, .theme = theme, .page = true}));
}

}  // namespace

std::string PlotPage(const PlotModel& model, const PageFiles& files, Theme theme,
                     bool energy_first) {
  const bool energy = model.HasEnergy();
  const std::string title = PlotTitle(model, false);
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n<title>{}</title>\n"
      "<style>\n{}\n{}</style>\n</head>\n<body>\n<h1>{}</h1>\n"
      "<div id=\"controls\"></div>\n",
      kPagePolicy, EscapeXml(title), PageVariables(theme), files.style, EscapeXml(title));
  page += "<main>\n<div id=\"pictures\">\n";
  page += Picture(model, theme, false, energy && energy_first);
  if (energy) page += Picture(model, theme, true, !energy_first);
  page +=
      "<div id=\"tip\" role=\"status\" hidden></div>\n</div>\n<div id=\"rows\"></div>\n</main>\n";
  page += "<noscript><p>Hover, filters, the table and downloads need JavaScript.</p></noscript>\n";
  page += fmt::format(
      "<script type=\"application/json\" id=\"model\">{}</script>\n<script>\n{}"
      "</script>\n</body>\n</html>\n",
      EscapeScript(PlotModelJson(model)), files.script);
  return page;
}

}  // namespace wattline::roofline
