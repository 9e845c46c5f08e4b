#include "roofline/compare_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "roofline/plot_text.h"

namespace wattline::roofline {
namespace {

using Json = nlohmann::ordered_json;

// As that of the plot's page: its own script and style, and nothing else.
constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'";

// Six digits are more than any measurement has, and half of what a double prints.
Json Number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}
Json Number(const std::optional<double>& value) { return value ? Number(*value) : Json(nullptr); }

// Values that many rows share, by index.
class Shared {
 public:
  Json Index(const std::string& text) {
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
  const Json& List() const { return list_; }

 private:
  static Json Described(const Metric& metric) {
    Json words = Json::array();
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
  Json list_ = Json::array();
};

// Without what is absent at its end.
Json Trimmed(Json array) {
  while (!array.empty() && array.back().is_null()) array.erase(array.size() - 1);
  return array;
}

// Order: as `cellFields` of compare_page.js.
Json CellJson(const CompareCell& cell, const std::optional<CompareVerdict>& verdict,
              Shared& texts) {
  const Estimate& e = cell.estimate;
  Json array = {Number(e.median),
                Number(e.low),
                Number(e.high),
                e.count,
                cell.unsteady ? Json(1) : Json(nullptr),
                Number(cell.bound),
                texts.Index(cell.remark)};
  if (verdict) {
    const Estimate& ratio = verdict->ratio;
    array.push_back(static_cast<int>(verdict->verdict));
    for (const Json& part : {Number(ratio.median), Number(ratio.low), Number(ratio.high),
                             Number(verdict->p), texts.Index(verdict->why)}) {
      array.push_back(part);
    }
  }
  return Trimmed(std::move(array));
}

Json RowJson(const CompareRow& row, Metrics& metrics, Shared& texts) {
  Json cells = Json::array();
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const bool judged = i < row.verdicts.size();
    cells.push_back(row.cells[i]
                        ? CellJson(*row.cells[i], judged ? row.verdicts[i] : std::nullopt, texts)
                        : Json(nullptr));
  }
  return {row.key, texts.Index(row.fixture), texts.Index(row.part), metrics.Index(row.metric),
          std::move(cells)};
}

std::string ComparisonJson(const Comparison& comparison) {
  Shared texts;
  Metrics metrics;
  Json json = {{"baseline", comparison.baseline}, {"columns", Json::array()}};
  for (const CompareColumn& column : comparison.columns) {
    json["columns"].push_back({{"label", column.label},
                               {"chip", column.chip},
                               {"files", column.files},
                               {"tool", column.tool},
                               {"published", column.published}});
  }
  Json& rows = json["rows"] = Json::array();
  for (const CompareRow& row : comparison.rows) rows.push_back(RowJson(row, metrics, texts));
  Json& missing = json["missing"] = Json::array();
  for (const MissingRow& row : comparison.missing) {
    missing.push_back(Json::array({texts.Index(row.column), row.key, texts.Index(row.why)}));
  }
  Json& differences = json["differences"] = Json::array();
  for (const ContextDifference& difference : comparison.differences) {
    differences.push_back({{"what", difference.what}, {"values", difference.values}});
  }
  Json& summaries = json["summaries"] = Json::array();
  for (const CompareSummary& summary : comparison.summaries) {
    summaries.push_back({{"fixture", summary.fixture},
                         {"part", summary.part},
                         {"metric", metrics.Index(summary.metric)},
                         {"column", summary.column},
                         {"ratio", Number(summary.ratio)},
                         {"low", Number(summary.low)},
                         {"high", Number(summary.high)},
                         {"rows", summary.rows},
                         {"missing", summary.missing}});
  }
  json["warnings"] = comparison.warnings;
  json["metrics"] = metrics.List();
  json["texts"] = texts.Texts();
  // Names from files may be no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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
      kPolicy, title, PageVariables(theme), files.style, title,
      EscapeScript(ComparisonJson(comparison)), files.script);
}

}  // namespace wattline::roofline
