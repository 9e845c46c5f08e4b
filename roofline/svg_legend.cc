// What stands under the axes: the key of looks, the roofs in figures, the name of every point, and
// where it all comes from.
#include <fmt/ranges.h>

#include <algorithm>

#include "roofline/plot_text.h"
#include "roofline/svg_scene.h"
#include "roofline/svg_table.h"

namespace wattline::roofline {
namespace {

constexpr size_t kMostUnplaced = 10;
constexpr double kChipPx = 190;  // of a chip's name in the roofs' table

void Heading(Scene& scene, double y, const std::string& text, const std::string& more) {
  scene.out += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\"><tspan font-weight=\"600\">{}</tspan>"
      "<tspan class=\"soft\" dx=\"8\">{}</tspan></text>\n",
      kLeftPx, y, kSmallFontPx, EscapeXml(text), EscapeXml(more));
}

void LineGlyph(Scene& scene, double x, double y, size_t colour, std::string_view dash) {
  scene.out +=
      fmt::format("<path class=\"roof s{}\"{} d=\"M{:.1f} {:.1f}h20\"/>", colour,
                  dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", dash), x - 10, y);
}

// Colours, shapes and fills, flowing in lines.
double DrawKey(Scene& scene, double top) {
  std::vector<Entry> items;
  const PlotModel& model = scene.model;
  const auto line = [&](size_t colour, std::string_view dash) {
    return [&scene, colour, dash](double x, double y) { LineGlyph(scene, x, y, colour, dash); };
  };
  const auto marker = [&](size_t shape, size_t fill, size_t colour) {
    return [&scene, shape, fill, colour](double x, double y) {
      scene.out += scene.MarkerAt(shape, fill, colour, x, y);
    };
  };
  if (scene.many_chips) {
    for (size_t c = 0; c < model.chips.size(); ++c) {
      if (!scene.ShowsRoof(&c, nullptr) && !scene.ShowsPoint(&c, nullptr)) continue;
      items.push_back({line(scene.Colour(c, ""), ""), {model.chips[c]}, ""});
    }
  }
  for (const std::string& format : model.formats) {
    const bool roof = scene.ShowsRoof(nullptr, &format);
    const bool point = scene.ShowsPoint(nullptr, &format);
    if (!roof && !point) continue;
    const size_t colour = scene.many_chips ? kNeutralColour : scene.Colour(0, format);
    const size_t fill = scene.Fill(format);
    const std::string_view dash = scene.many_chips ? Dash(IndexOf(model.formats, format)) : "";
    items.push_back({[&scene, roof, point, colour, fill, dash](double x, double y) {
                       if (roof) LineGlyph(scene, x, y, colour, dash);
                       if (point && (scene.many_chips || !roof)) {
                         scene.out += scene.MarkerAt(0, fill, colour, x, y);
                       }
                     },
                     {format},
                     ""});
  }
  for (const std::string& fixture : model.fixtures) {
    items.push_back({marker(scene.Shape(fixture), 0, kNeutralColour), {fixture}, ""});
  }
  items.push_back({marker(3, 1, kNeutralColour),
                   {scene.options.energy ? "balance point, 95 % interval" : "ridge, 95 % interval"},
                   ""});
  const auto sweep = [&](bool used) {
    return [&scene, used](double x, double y) {
      scene.out +=
          fmt::format("<circle class=\"sweep {}6\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.2\"/>",
                      used ? "f" : "h", x, y);
    };
  };
  bool used = false;
  bool failed = false;
  for (const PlotRoof& roof : model.roofs) {
    for (const IntensityPoint& point : scene.Sweep(roof)) {
      (point.not_used.empty() ? used : failed) = true;
    }
  }
  if (used) items.push_back({sweep(true), {"measured sweep"}, ""});
  if (failed) items.push_back({sweep(false), {"left out of the fit"}, ""});
  double x = kLeftPx;
  double y = top;
  for (const Entry& item : items) {
    const double width = kGlyphPx + TextWidth(item.cells[0], kSmallFontPx) + 20;
    if (x + width > kRightPx && x > kLeftPx) {
      x = kLeftPx;
      y += kLinePx + 2;
    }
    item.glyph(x + kGlyphPx / 2 - 2, y - 4);
    scene.Text(x + kGlyphPx, y, kSmallFontPx,
               Shortened(item.cells[0], kSmallFontPx, kRightPx - kLeftPx - 60));
    x += width;
  }
  return y - top + kLinePx;
}

std::string WithInterval(const Interval& value, double unit) {
  std::string text = ShortNumber(value.value / unit);
  if (value.low < value.value || value.high > value.value) {
    text += fmt::format(" [{}, {}]", ShortNumber(value.low / unit), ShortNumber(value.high / unit));
  }
  return text;
}

std::vector<std::string> RoofCells(const Scene& scene, const PlotRoof& drawn) {
  if (scene.options.energy) {
    const EnergyCoefficients& c = *drawn.energy;
    return {WithInterval(c.flop_j, 1e-12), WithInterval(c.byte_j, 1e-12),
            WithInterval(c.constant_w, 1), WithInterval(c.balance_flop_per_byte, 1)};
  }
  const Roof& roof = drawn.roof;
  return {WithInterval(roof.peak_flop_per_s, scene.unit.flop), WithInterval(roof.byte_per_s, 1e9),
          WithInterval(roof.ridge_flop_per_byte, 1),
          roof.sharpness ? WithInterval(*roof.sharpness, 1) : ""};
}

double DrawRoofTable(Scene& scene, double top) {
  std::vector<Entry> entries;
  const PlotModel& model = scene.model;
  const RoofKey& first = model.roofs[0].roof.key;
  const bool same = std::all_of(model.roofs.begin(), model.roofs.end(), [&](const PlotRoof& r) {
    return r.roof.key.backend == first.backend && r.roof.key.threads == first.threads;
  });
  for (size_t i = 0; i < model.roofs.size(); ++i) {
    const PlotRoof& drawn = model.roofs[i];
    const RoofKey& key = drawn.roof.key;
    if (scene.options.energy && !drawn.energy) continue;
    const size_t colour = scene.Colour(drawn.chip, key.format);
    const std::string_view dash = scene.many_chips ? Dash(IndexOf(model.formats, key.format)) : "";
    std::vector<std::string> cells = RoofCells(scene, drawn);
    std::string name = key.format + " " + key.level;
    if (scene.many_chips) {
      name = Shortened(model.chips[drawn.chip], kTableFontPx, kChipPx) + " " + name;
    }
    if (!same) name += fmt::format(" {} threads:{}", key.backend, key.threads);
    cells.insert(cells.begin(), name);
    entries.push_back(
        {[&scene, colour, dash](double x, double y) { LineGlyph(scene, x, y, colour, dash); },
         std::move(cells), scene.Data('r', {i})});
  }
  if (entries.empty()) return 0;
  Columns columns = {{"", "pJ/FLOP", "pJ/byte", "constant W", "balance FLOP/byte"},
                     {false, true, true, true, true},
                     0};
  if (!scene.options.energy) {
    columns.heads = {"", "peak " + scene.unit.name, "GB/s", "ridge FLOP/byte", "sharpness p"};
  }
  std::string more = "95 % intervals in brackets";
  if (same) more += fmt::format("; backend {}, threads: {}", first.backend, first.threads);
  Heading(scene, top, "Roofs", more);
  return kLinePx + 2 + DrawTable(scene, top + kLinePx + 2, entries, columns);
}

double DrawPointTable(Scene& scene, double top) {
  const Columns columns = {{"", "", scene.unit.name, "%"}, {true, false, true, true}, 1};
  double y = top;
  for (size_t chip = 0; chip < scene.model.chips.size(); ++chip) {
    std::vector<Entry> entries;
    for (const PlotPoint& point : scene.model.points) {
      const std::optional<double> value = scene.PointY(point);
      if (point.chip != chip || !value) continue;
      const Judged& row = point.judged;
      const std::optional<double> share = scene.options.energy ? row.joule_share : row.share;
      const size_t shape = scene.Shape(row.fixture);
      const size_t fill = scene.Fill(row.format);
      const size_t colour = scene.Colour(chip, row.format);
      entries.push_back(
          {[&scene, shape, fill, colour](double x, double at_y) {
             scene.out += scene.MarkerAt(shape, fill, colour, x, at_y);
           },
           {fmt::format("{}", point.number), row.row, ShortNumber(*value / scene.unit.flop),
            share ? ShortNumber(*share * 100) : ""},
           ""});
    }
    if (entries.empty()) continue;
    Heading(scene, y, scene.many_chips ? "Points on " + scene.model.chips[chip] : "Points",
            scene.options.energy ? "%: of what the energy roof attains at that intensity"
                                 : "%: of what the roof attains at that intensity");
    y += kLinePx + 2;
    y += DrawTable(scene, y, entries, columns) + 10;
  }
  return y - top;
}

double DrawFooter(Scene& scene, double top, int without_room) {
  const PlotModel& model = scene.model;
  std::vector<std::string> lines;
  const auto roofs = std::count_if(model.roofs.begin(), model.roofs.end(), [&](const PlotRoof& r) {
    return !scene.options.energy || r.energy;
  });
  const auto points = std::count_if(model.points.begin(), model.points.end(),
                                    [&](const PlotPoint& p) { return scene.PointY(p); });
  std::string first = fmt::format("{} roofs, {} points", roofs, points);
  if (without_room > 0) {
    first += fmt::format("; the numbers of {} found no room in the picture", without_room);
  }
  if (!model.sources.empty()) first += fmt::format("; from {}", fmt::join(model.sources, ", "));
  lines.push_back(first);
  for (const std::string& remark : model.remarks) lines.push_back(remark);
  for (size_t i = 0; i < model.unplaced.size(); ++i) {
    if (i == kMostUnplaced) {
      lines.push_back(fmt::format("and {} more rows", model.unplaced.size() - i));
      break;
    }
    const Judged& row = model.unplaced[i].judged;
    lines.push_back(
        fmt::format("not drawn: {}{}", row.row, row.remark.empty() ? "" : ": " + row.remark));
  }
  double y = top;
  for (const std::string& line : lines) {
    for (const std::string& part : Wrapped(line, kSmallFontPx, kRightPx - kLeftPx)) {
      scene.Text(kLeftPx, y, kSmallFontPx, part, "class=\"soft\"");
      y += kLinePx;
    }
  }
  return y - top;
}

}  // namespace

double DrawLegend(Scene& scene, double top, int without_room) {
  double y = top;
  y += DrawKey(scene, y) + 12;
  if (const double height = DrawRoofTable(scene, y); height > 0) y += height + 12;
  if (!scene.options.page) {
    y += DrawPointTable(scene, y) + 4;
    y += DrawFooter(scene, y, without_room);
  }
  return y - top + 4;
}

}  // namespace wattline::roofline
