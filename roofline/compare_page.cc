#include "roofline/compare_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "roofline/plot_text.h"

namespace wattline::roofline {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Six digits are more than any measurement has, and half of what a double prints.
OrderedJson JsonNumber(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}
OrderedJson JsonNumber(const std::optional<double>& value) {
  return value ? JsonNumber(*value) : OrderedJson(nullptr);
}

// Values that many rows share, by index.
class Shared {
 public:
  OrderedJson Index(const std::string& text) {
    if (text.empty()) return nullptr;
    const auto [found, added] = index_.try_emplace(text, texts_.size());
    if (added) texts_.push_back(text);
    return found->second;
  }
  const std::vector<std::string>& Texts() const { return texts_; }

 private:
  std::map<std::string, size_t> index_;
  std::vector<std::string> texts_;
};

class Metrics {
 public:
  size_t Index(const Metric& metric) {
    const auto [found, added] = index_.try_emplace(metric.counter, list_.size());
    if (added) list_.push_back(Described(metric));
    return found->second;
  }
  const OrderedJson& List() const { return list_; }

 private:
  static OrderedJson Described(const Metric& metric) {
    OrderedJson words = OrderedJson::array();
    for (const Verdict verdict :
         {Verdict::kBetter, Verdict::kWorse, Verdict::kSame, Verdict::kUnclear}) {
      words.push_back(Name(verdict, metric));
    }
    return {{"counter", metric.counter},
            {"unit", metric.unit},
            {"lower", metric.better == Better::kLower},
            {"ranked", metric.ranked},
            {"words", words}};
  }

  std::map<std::string, size_t> index_;
  OrderedJson list_ = OrderedJson::array();
};

// Without what is absent at its end.
OrderedJson WithoutAbsentEnd(OrderedJson array) {
  while (!array.empty() && array.back().is_null()) array.erase(array.size() - 1);
  return array;
}

// Order: as `cellFields` of compare_page.js.
OrderedJson CellJson(const CompareCell& cell, const std::optional<CompareVerdict>& verdict,
                     Shared& texts) {
  const Estimate& e = cell.estimate;
  OrderedJson array = {JsonNumber(e.median),
                       JsonNumber(e.low),
                       JsonNumber(e.high),
                       e.count,
                       cell.unsteady ? OrderedJson(1) : OrderedJson(nullptr),
                       JsonNumber(cell.bound),
                       texts.Index(cell.remark)};
  if (verdict) {
    const Estimate& ratio = verdict->ratio;
    array.push_back(static_cast<int>(verdict->verdict));
    for (const OrderedJson& part :
         {JsonNumber(ratio.median), JsonNumber(ratio.low), JsonNumber(ratio.high),
          JsonNumber(verdict->p), texts.Index(verdict->why)}) {
      array.push_back(part);
    }
  }
  return WithoutAbsentEnd(std::move(array));
}

OrderedJson RowJson(const CompareRow& row, Metrics& metrics, Shared& texts) {
  OrderedJson cells = OrderedJson::array();
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const bool judged = i < row.verdicts.size();
    cells.push_back(row.cells[i]
                        ? CellJson(*row.cells[i], judged ? row.verdicts[i] : std::nullopt, texts)
                        : OrderedJson(nullptr));
  }
  return {row.key, texts.Index(row.fixture), texts.Index(row.part), metrics.Index(row.metric),
          std::move(cells)};
}

std::string ComparisonJson(const Comparison& comparison) {
  Shared texts;
  Metrics metrics;
  OrderedJson json = {{"baseline", comparison.baseline}, {"columns", OrderedJson::array()}};
  for (const CompareColumn& column : comparison.columns) {
    json["columns"].push_back({{"label", column.label},
                               {"chip", column.chip},
                               {"files", column.files},
                               {"tool", column.tool},
                               {"published", column.published}});
  }
  OrderedJson& rows = json["rows"] = OrderedJson::array();
  for (const CompareRow& row : comparison.rows) rows.push_back(RowJson(row, metrics, texts));
  OrderedJson& missing = json["missing"] = OrderedJson::array();
  for (const MissingRow& row : comparison.missing) {
    missing.push_back(OrderedJson::array({texts.Index(row.column), row.key, texts.Index(row.why)}));
  }
  OrderedJson& differences = json["differences"] = OrderedJson::array();
  for (const ContextDifference& difference : comparison.differences) {
    differences.push_back({{"what", difference.what}, {"values", difference.values}});
  }
  OrderedJson& summaries = json["summaries"] = OrderedJson::array();
  for (const CompareSummary& summary : comparison.summaries) {
    summaries.push_back({{"fixture", summary.fixture},
                         {"part", summary.part},
                         {"metric", metrics.Index(summary.metric)},
                         {"column", summary.column},
                         {"ratio", JsonNumber(summary.ratio)},
                         {"low", JsonNumber(summary.low)},
                         {"high", JsonNumber(summary.high)},
                         {"rows", summary.rows},
                         {"missing", summary.missing}});
  }
  json["warnings"] = comparison.warnings;
  json["metrics"] = metrics.List();
  json["texts"] = texts.Texts();
  // Names from files may be no UTF-8.
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// "A", "A and B side by side", "A, B, C and 4 more side by side"
std::string Title(const Comparison& comparison) {
  constexpr size_t kNamed = 4;
  const std::vector<CompareColumn>& columns = comparison.columns;
  const size_t named = columns.size() > kNamed ? kNamed - 1 : columns.size();
  std::string title;
  for (size_t i = 0; i < named; ++i) {
    const bool last = i + 1 == columns.size();
    if (i > 0) title += last ? " and " : ", ";
    title += columns[i].label;
  }
  if (named < columns.size()) title += fmt::format(" and {} more", columns.size() - named);
  return columns.size() > 1 ? title + " side by side" : title;
}

}  // namespace

std::string ComparePage(const Comparison& comparison, Theme theme) {
  const PageFiles& files = ComparePageFiles();
  const std::string title = EscapeXml(Title(comparison));
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n<title>{}</title>\n"
      "<style>\n{}\n{}</style>\n</head>\n<body>\n<h1>{}</h1>\n"
      "<noscript><p>Charts, filters and tables need JavaScript; the figures are in this file's "
      "JSON.</p></noscript>\n<main></main>\n"
      "<div id=\"tip\" role=\"tooltip\" hidden></div>\n"
      "<script type=\"application/json\" id=\"comparison\">{}</script>\n<script>\n{}"
      "</script>\n</body>\n</html>\n",
      kPagePolicy, title, PageVariables(theme), files.style, title,
      EscapeScript(ComparisonJson(comparison)), files.script);
}

}  // namespace wattline::roofline
