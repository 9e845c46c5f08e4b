// A comparison for people: columns, rows, means, what is missing, what differs, what to beware of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/compare/blocks.h"
#include "tools/compare/report.h"
#include "tools/findings.h"
#include "tools/program.h"
#include "tools/text_table.h"

namespace wattline::tools {
namespace {

using roofline::Comparison;

constexpr size_t kMostListed = 10;

TableFormat FormatOf(const Look& look) {
  return look.markdown ? TableFormat::kMarkdown : TableFormat::kTable;
}

std::string Counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Joined(const std::vector<std::string>& texts, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(texts.size(), most); ++i) text += (i ? ", " : "") + texts[i];
  if (texts.size() > most) text += fmt::format(" and {} more", texts.size() - most);
  return text;
}

// A list under a headline, and of how many it is the beginning.
std::string ListText(const std::string& head, const std::vector<std::string>& entries,
                     const Look& look, size_t total) {
  if (entries.empty()) return {};
  const char* const bullet = look.markdown ? "- " : "  ";
  std::string text = look.markdown ? "\n**" + head + "**\n\n" : "\n" + head + "\n";
  for (const std::string& entry : entries) text += bullet + Plain(entry, 2000) + "\n";
  if (total > entries.size()) {
    text += fmt::format("{}and {} more; all are in --output=csv and json\n", bullet,
                        total - entries.size());
  }
  return text;
}

std::string ColumnsText(const Comparison& comparison, const Look& look) {
  TextTable table;
  table.title = "baseline: " + LabelText(comparison.columns[comparison.baseline]);
  table.columns = {{"", "column", false}, {"", "program", false}, {"", "files", false}};
  for (const auto& column : comparison.columns) {
    table.rows.push_back({LabelText(column), Plain(column.tool), Plain(Joined(column.files, 4))});
  }
  return Render(table, FormatOf(look));
}

std::string SummariesText(const Comparison& comparison, const Look& look) {
  if (comparison.summaries.empty()) return {};
  TextTable table;
  table.title = "geometric mean of ratios to the baseline, over common rows";
  table.columns = {{"", "fixture", false},
                   {"", "part", false},
                   {"", "counter", false},
                   {"", "better", false},
                   {"", "column", false},
                   {"", "ratio", true},
                   {"", "rows' 95 % interval", false},
                   {"", "rows", true},
                   {"", "missing", true}};
  for (const auto& one : comparison.summaries) {
    const bool is_higher = one.metric.better == roofline::Better::kHigher;
    std::string interval = IntervalText({one.ratio, one.low, one.high, one.rows});
    if (interval.empty()) interval = " ";
    table.rows.push_back({one.fixture.empty() ? "all" : Plain(one.fixture),
                          one.part.empty() ? Cell() : Cell(one.part), Plain(one.metric.counter),
                          is_higher ? "higher" : "lower", Plain(one.column), RatioText(one.ratio),
                          interval, fmt::format("{}", one.rows), fmt::format("{}", one.missing)});
  }
  return "\n" + Render(table, FormatOf(look));
}

std::string MissingText(const Comparison& comparison, const Look& look) {
  const size_t total = comparison.missing.size();
  std::vector<std::string> entries;
  for (size_t i = 0; i < std::min(total, kMostListed); ++i) {
    const roofline::MissingRow& one = comparison.missing[i];
    entries.push_back(fmt::format("{}: {}: {}", one.column, one.key, one.why));
  }
  return ListText(Counted(total, "row") + " missing or failed", entries, look, total);
}

// "compiler: GCC 12 ('A', 'B'); clang 16 ('C')"
std::string DifferencesText(const Comparison& comparison, const Look& look) {
  std::vector<std::string> entries;
  for (const auto& one : comparison.differences) {
    std::vector<std::string> values;
    for (const std::string& value : one.values) {
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    std::vector<std::string> groups;
    for (const std::string& value : values) {
      std::vector<std::string> labels;
      for (size_t c = 0; c < one.values.size(); ++c) {
        if (one.values[c] == value) labels.push_back("'" + comparison.columns[c].label + "'");
      }
      groups.push_back(
          fmt::format("{} ({})", value.empty() ? "not told" : value, Joined(labels, 4)));
    }
    std::string text = one.what + ": ";
    for (size_t g = 0; g < groups.size(); ++g) text += (g ? "; " : "") + groups[g];
    entries.push_back(std::move(text));
  }
  return ListText("what differs beside the columns", entries, look, entries.size());
}

std::string RegressionsText(const CompareReport& report, const Look& look) {
  if (!report.fail_on) return {};
  const std::string share = fmt::format("{:.3g} %", 100 * *report.fail_on);
  const std::string head = report.regressions.empty()
                               ? fmt::format("no row got worse by more than {}", share)
                               : fmt::format("{} got worse by more than {}",
                                             Counted(report.regressions.size(), "figure"), share);
  if (report.regressions.empty()) return "\n" + head + "\n";
  std::vector<std::string> entries;
  for (const Regression& one : report.regressions) {
    if (entries.size() == kMostListed) break;
    const auto& verdict = *one.row->verdicts[one.column];
    const std::string interval = IntervalText(verdict.ratio);
    entries.push_back(
        fmt::format("{}: {} {}: {}{}{} {}", report.comparison.columns[one.column].label,
                    one.row->key, one.row->metric.counter, RatioText(verdict.ratio.median),
                    interval.empty() ? "" : " ", interval, Name(verdict.verdict, one.row->metric)));
  }
  return ListText(head, entries, look, report.regressions.size());
}

std::string PlainLines(const std::string& text) {
  std::string plain;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    plain += Plain(text.substr(begin, end - begin), 4000) + "\n";
    begin = end + 1;
  }
  return plain;
}

}  // namespace

std::string ValueText(double value) { return fmt::format("{:.4g}", value); }

std::string RatioText(double ratio) {
  return std::abs(ratio) >= 0.1 && std::abs(ratio) < 10 ? fmt::format("{:.3f}x", ratio)
                                                        : fmt::format("{:.4g}x", ratio);
}

std::string IntervalText(const roofline::Estimate& ratio) {
  if (!ratio.low || !ratio.high) return {};
  const auto text = [](double value) {
    std::string ratio_text = RatioText(value);
    ratio_text.pop_back();
    return ratio_text;
  };
  return fmt::format("[{}, {}]", text(*ratio.low), text(*ratio.high));
}

std::string LabelText(const roofline::CompareColumn& column) {
  const bool is_marked = !column.published || column.label.find("published") != std::string::npos;
  return Plain(column.label) + (is_marked ? "" : " (published)");
}

std::string NotesText(const CompareReport& report, const Look& look) {
  std::string text =
      ListText("warnings", report.comparison.warnings, look, report.comparison.warnings.size());
  text += ListText("remarks", report.remarks, look, report.remarks.size());
  if (report.findings) {
    text += "\n" + PlainLines(FindingsText(*report.findings, FormatOf(look)));
  }
  return text;
}

std::string TablesText(const CompareReport& report, const Look& look) {
  const Comparison& comparison = report.comparison;
  Footnotes footnotes;
  std::string text = ColumnsText(comparison, look) + "\n";
  text += BlocksText(comparison, look, footnotes);
  if (!footnotes.texts().empty()) text += "\n";
  for (size_t i = 0; i < footnotes.texts().size(); ++i) {
    text +=
        fmt::format("{}[{}] {}\n", look.markdown ? "- " : "", i + 1, Plain(footnotes.texts()[i]));
  }
  text += SummariesText(comparison, look) + MissingText(comparison, look);
  text += DifferencesText(comparison, look) + NotesText(report, look);
  return text + RegressionsText(report, look);
}

}  // namespace wattline::tools
