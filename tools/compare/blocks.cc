#include "tools/compare/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/program.h"
#include "tools/text_table.h"

namespace wattline::tools {
namespace {

using roofline::CompareRow;
using roofline::Comparison;
using roofline::Verdict;

// What a cell says, in parts that are aligned among the cells of a column.
enum Part : size_t { kValuePart, kMarkPart, kRatioPart, kIntervalPart, kVerdictPart, kPartCount };
using Parts = std::array<std::string, kPartCount>;

size_t CharacterCount(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string Coloured(const std::string& text, Verdict verdict) {
  const char* code = verdict == Verdict::kBetter ? "32" : verdict == Verdict::kWorse ? "31" : "2";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

class Block {
 public:
  Block(const Comparison& comparison, const Look& look, Footnotes& footnotes)
      : comparison_(comparison), look_(look), footnotes_(footnotes) {}

  std::string Of(const std::vector<const CompareRow*>& rows) {
    MakeParts(rows);
    const bool is_wide = look_.markdown ? comparison_.columns.size() <= kMostMarkdownColumns
                                        : WideWidth(rows) <= look_.width;
    TextTable table = is_wide ? Wide(rows) : Tall(rows);
    const std::string& fixture = rows.front()->fixture;
    table.title = fixture.empty() ? "rows of other programs" : fixture;
    return Render(table, look_.markdown ? TableFormat::kMarkdown : TableFormat::kTable);
  }

 private:
  static constexpr size_t kMostMarkdownColumns = 4;
  static constexpr size_t kMostKey = 160;

  size_t columns() const { return comparison_.columns.size(); }

  void MakeParts(const std::vector<const CompareRow*>& rows) {
    parts_.assign(rows.size(), std::vector<Parts>(columns()));
    widths_.assign(columns(), {});
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < columns(); ++c) {
        parts_[r][c] = PartsOf(*rows[r], c);
        for (size_t p = 0; p < kPartCount; ++p) {
          widths_[c][p] = std::max(widths_[c][p], CharacterCount(parts_[r][c][p]));
        }
      }
    }
  }

  Parts PartsOf(const CompareRow& row, size_t c) {
    Parts parts;
    if (!row.cells[c]) {
      parts[kValuePart] = "-";
      return parts;
    }
    parts[kValuePart] = ValueText(row.cells[c]->estimate.median);
    parts[kMarkPart] = footnotes_.Mark(row.cells[c]->remark);
    if (!row.verdicts[c]) return parts;
    parts[kRatioPart] = RatioText(row.verdicts[c]->ratio.median);
    parts[kIntervalPart] = IntervalText(row.verdicts[c]->ratio);
    parts[kVerdictPart] = Name(row.verdicts[c]->verdict, row.metric);
    return parts;
  }

  size_t CellWidth(size_t c) const {
    size_t width = 0;
    for (const size_t part : widths_[c]) width += part == 0 ? 0 : part + 1;
    return std::max(width, CharacterCount(LabelText(comparison_.columns[c])));
  }

  size_t WideWidth(const std::vector<const CompareRow*>& rows) const {
    size_t key = 0, counter = 0;
    for (const CompareRow* row : rows) {
      key = std::max(key, std::min(CharacterCount(row->key), kMostKey));
      counter = std::max(counter, CharacterCount(row->metric.counter));
    }
    size_t width = key + 2 + counter;
    for (size_t c = 0; c < columns(); ++c) width += 2 + CellWidth(c);
    return width;
  }

  std::string Joined(const CompareRow& row, const Parts& parts, size_t c) const {
    std::string text;
    for (size_t p = 0; p < kPartCount; ++p) {
      if (widths_[c][p] == 0 || (look_.markdown && parts[p].empty())) continue;
      if (!text.empty()) text += " ";
      const std::string space(look_.markdown ? 0 : widths_[c][p] - CharacterCount(parts[p]), ' ');
      const bool is_right = p == kValuePart || p == kRatioPart;
      if (is_right) text += space;
      text += Shown(row, parts, p, c);
      if (!is_right) text += space;
    }
    return text;
  }

  std::string Shown(const CompareRow& row, const Parts& parts, size_t p, size_t c) const {
    if (p != kVerdictPart || !look_.colour || !row.verdicts[c]) return parts[p];
    return Coloured(parts[p], row.verdicts[c]->verdict);
  }

  TextTable Wide(const std::vector<const CompareRow*>& rows) const {
    TextTable table;
    table.columns = {{"row", "row", false}, {"counter", "counter", false}};
    for (const auto& column : comparison_.columns)
      table.columns.push_back({"", LabelText(column), false});
    const std::string* last = nullptr;
    for (size_t r = 0; r < rows.size(); ++r) {
      const bool is_new = last == nullptr || *last != rows[r]->key;
      last = &rows[r]->key;
      // A row's further counters stand under its name.
      std::vector<Cell> line = {is_new || look_.markdown ? Plain(*last, kMostKey) : " ",
                                Plain(rows[r]->metric.counter)};
      for (size_t c = 0; c < columns(); ++c) line.emplace_back(Joined(*rows[r], parts_[r][c], c));
      table.rows.push_back(std::move(line));
    }
    return table;
  }

  TextTable Tall(const std::vector<const CompareRow*>& rows) const {
    TextTable table;
    table.columns = {{"", "row", false},           {"", "counter", false}, {"", "of", false},
                     {"", "median", true},         {"", "note", false},    {"", "ratio", true},
                     {"", "95 % interval", false}, {"", "verdict", false}};
    for (size_t r = 0; r < rows.size(); ++r) {
      bool is_first = true;
      for (size_t c = 0; c < columns(); ++c) {
        const Parts& parts = parts_[r][c];
        if (!rows[r]->cells[c]) continue;
        const bool is_told = is_first || look_.markdown;
        const auto filled = [](const std::string& text) { return text.empty() ? " " : text; };
        table.rows.push_back(
            {is_told ? Plain(rows[r]->key, kMostKey) : " ",
             is_told ? Plain(rows[r]->metric.counter) : " ", LabelText(comparison_.columns[c]),
             parts[kValuePart], filled(parts[kMarkPart]), filled(parts[kRatioPart]),
             filled(parts[kIntervalPart]), filled(Shown(*rows[r], parts, kVerdictPart, c))});
        is_first = false;
      }
    }
    return table;
  }

  const Comparison& comparison_;
  const Look& look_;
  Footnotes& footnotes_;
  std::vector<std::vector<Parts>> parts_;               // [rows][columns]
  std::vector<std::array<size_t, kPartCount>> widths_;  // [columns]
};

}  // namespace

std::string Footnotes::Mark(const std::string& text) {
  if (text.empty()) return {};
  const auto [found, is_new] = numbers_.try_emplace(text, numbers_.size() + 1);
  if (is_new) texts_.push_back(text);
  return fmt::format("[{}]", found->second);
}

std::string BlocksText(const Comparison& comparison, const Look& look, Footnotes& footnotes) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const CompareRow*>> of_fixture;
  for (const CompareRow& row : comparison.rows) {
    std::vector<const CompareRow*>& rows = of_fixture[row.fixture];
    if (rows.empty()) order.push_back(row.fixture);
    rows.push_back(&row);
  }
  std::string text;
  for (const std::string& fixture : order) {
    text += (text.empty() ? "" : "\n") + Block(comparison, look, footnotes).Of(of_fixture[fixture]);
  }
  return text;
}

}  // namespace wattline::tools
