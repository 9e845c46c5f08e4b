#include "roofline/svg_table.h"

#include <algorithm>

#include "roofline/plot_text.h"

namespace wattline::roofline {
namespace {

constexpr double kMostCellPx = kRightPx - kLeftPx - 300;

// Widths of the cells of entries [first, last) and of the heads over them.
std::vector<double> Widths(const std::vector<Entry>& entries, size_t first, size_t last,
                           const Columns& columns) {
  std::vector<double> widths;
  for (size_t c = 0; c < columns.heads.size(); ++c) {
    double width = TextWidth(columns.heads[c], kTableFontPx);
    for (size_t i = first; i < last; ++i) {
      width = std::max(width, TextWidth(entries[i].cells[c], kTableFontPx));
    }
    widths.push_back(std::min(width, kMostCellPx));
  }
  return widths;
}

double Total(const std::vector<double>& widths) {
  double total = kGlyphPx;
  for (const double width : widths) total += width > 0 ? width + kGapPx : 0;
  return total;
}

}  // namespace

double DrawTable(Scene& scene, double top, const std::vector<Entry>& entries,
                 const Columns& columns) {
  size_t lines = entries.size();
  for (size_t side_by_side = 8; side_by_side > 1; --side_by_side) {
    const size_t tried = (entries.size() + side_by_side - 1) / side_by_side;
    double width = -kColumnGapPx;
    for (size_t first = 0; first < entries.size(); first += tried) {
      const size_t last = std::min(entries.size(), first + tried);
      width += Total(Widths(entries, first, last, columns)) + kColumnGapPx;
    }
    if (width > kRightPx - kLeftPx) continue;
    lines = tried;
    break;
  }
  double left = kLeftPx;
  for (size_t first = 0; first < entries.size(); first += lines) {
    const size_t last = std::min(entries.size(), first + lines);
    const std::vector<double> widths = Widths(entries, first, last, columns);
    const auto draw = [&](const std::vector<std::string>& cells, double y, const Entry* entry) {
      double x = left;
      for (size_t c = 0; c < cells.size(); ++c) {
        if (c == columns.glyph_at) {
          if (entry != nullptr) entry->glyph(x + kGlyphPx / 2 - 2, y - 4);
          x += kGlyphPx;
        }
        if (widths[c] == 0) continue;
        const std::string text = Shortened(cells[c], kTableFontPx, widths[c]);
        std::string look = columns.right[c] ? "text-anchor=\"end\"" : "";
        if (entry == nullptr) look += " class=\"soft\"";
        scene.Text(columns.right[c] ? x + widths[c] : x, y, kTableFontPx, text, look);
        x += widths[c] + kGapPx;
      }
    };
    draw(columns.heads, top, nullptr);
    for (size_t i = first; i < last; ++i) {
      const double y = top + static_cast<double>(i - first + 1) * kLinePx;
      if (!entries[i].data.empty())
        scene.out += fmt::format("<g class=\"row\"{}>", entries[i].data);
      draw(entries[i].cells, y, &entries[i]);
      if (!entries[i].data.empty()) scene.out += "</g>\n";
    }
    left += Total(widths) + kColumnGapPx;
  }
  return static_cast<double>(lines + 1) * kLinePx;
}

}  // namespace wattline::roofline
