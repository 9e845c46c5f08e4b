// A comparison for programs: CSV in long form, and JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "tools/compare/report.h"
#include "tools/findings.h"
#include "tools/text_table.h"

namespace wattline::tools {
namespace {

using OrderedJson = nlohmann::ordered_json;
using roofline::CompareCell;
using roofline::CompareRow;
using roofline::CompareVerdict;
using roofline::Comparison;

constexpr const char* kCsvHead =
    "fixture,part,row,counter,unit,better,column,chip,program,published,baseline,median,low,high,"
    "samples,unsteady,bound,ratio,ratio_low,ratio_high,p,verdict,why,remark,missing\n";

const char* BetterText(const roofline::Metric& metric) {
  if (!metric.ranked) return "";
  return metric.better == roofline::Better::kHigher ? "higher" : "lower";
}

std::string NumberField(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

// "label,chip,program,yes,no"
std::vector<std::string> ColumnFields(const Comparison& comparison) {
  std::vector<std::string> fields;
  for (size_t c = 0; c < comparison.columns.size(); ++c) {
    const roofline::CompareColumn& column = comparison.columns[c];
    fields.push_back(fmt::format("{},{},{},{},{}", CsvField(column.label), CsvField(column.chip),
                                 CsvField(column.tool), column.published ? "yes" : "no",
                                 c == comparison.baseline ? "yes" : "no"));
  }
  return fields;
}

std::string CellFields(const CompareCell& cell) {
  return fmt::format("{},{},{},{},{},{}", cell.estimate.median, NumberField(cell.estimate.low),
                     NumberField(cell.estimate.high), cell.samples.size(),
                     cell.unsteady ? "yes" : "no", NumberField(cell.bound));
}

std::string VerdictFields(const std::optional<CompareVerdict>& verdict,
                          const roofline::Metric& metric) {
  if (!verdict) return ",,,,,";
  return fmt::format("{},{},{},{},{},{}", verdict->ratio.median, NumberField(verdict->ratio.low),
                     NumberField(verdict->ratio.high), NumberField(verdict->p),
                     Name(verdict->verdict, metric), CsvField(verdict->why));
}

OrderedJson OptionalJson(const std::optional<double>& value) {
  return value ? OrderedJson(*value) : OrderedJson();
}

const char* VerdictKey(roofline::Verdict verdict) {
  switch (verdict) {
    case roofline::Verdict::kBetter:
      return "better";
    case roofline::Verdict::kWorse:
      return "worse";
    case roofline::Verdict::kSame:
      return "same";
    case roofline::Verdict::kUnclear:
      break;
  }
  return "unclear";
}

OrderedJson CellJson(const CompareRow& row, size_t c) {
  if (!row.cells[c]) return nullptr;
  const CompareCell& cell = *row.cells[c];
  OrderedJson json = {{"median", cell.estimate.median},
                      {"low", OptionalJson(cell.estimate.low)},
                      {"high", OptionalJson(cell.estimate.high)},
                      {"samples", cell.samples},
                      {"unsteady", cell.unsteady},
                      {"bound", OptionalJson(cell.bound)},
                      {"remark", cell.remark}};
  if (const std::optional<CompareVerdict>& verdict = row.verdicts[c]) {
    json["ratio"] = verdict->ratio.median;
    json["ratio_low"] = OptionalJson(verdict->ratio.low);
    json["ratio_high"] = OptionalJson(verdict->ratio.high);
    json["p"] = OptionalJson(verdict->p);
    json["verdict"] = VerdictKey(verdict->verdict);
    json["word"] = Name(verdict->verdict, row.metric);
    json["why"] = verdict->why;
  }
  return json;
}

OrderedJson RowJson(const CompareRow& row) {
  OrderedJson cells = OrderedJson::array();
  for (size_t c = 0; c < row.cells.size(); ++c) cells.push_back(CellJson(row, c));
  return {{"row", row.key},           {"fixture", row.fixture},
          {"part", row.part},         {"counter", row.metric.counter},
          {"unit", row.metric.unit},  {"better", BetterText(row.metric)},
          {"cells", std::move(cells)}};
}

std::string Dumped(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// One entry a line: thousands of rows stay readable and are never in memory twice.
template <typename List, typename ToJson>
void AppendList(const char* key, const List& list, const ToJson& to_json, std::string& text) {
  text += fmt::format("  \"{}\": [", key);
  const char* separator = "\n    ";
  for (const auto& one : list) {
    text += separator + Dumped(to_json(one));
    separator = ",\n    ";
  }
  text += list.empty() ? "],\n" : "\n  ],\n";
}

OrderedJson ColumnJson(const roofline::CompareColumn& column) {
  return {{"label", column.label},
          {"chip", column.chip},
          {"files", column.files},
          {"program", column.tool},
          {"published", column.published}};
}

OrderedJson SummaryJson(const roofline::CompareSummary& one) {
  return {{"fixture", one.fixture},
          {"part", one.part},
          {"counter", one.metric.counter},
          {"better", BetterText(one.metric)},
          {"column", one.column},
          {"ratio", one.ratio},
          {"low", OptionalJson(one.low)},
          {"high", OptionalJson(one.high)},
          {"rows", one.rows},
          {"missing", one.missing}};
}

}  // namespace

std::string CsvText(const CompareReport& report) {
  const Comparison& comparison = report.comparison;
  const std::vector<std::string> columns = ColumnFields(comparison);
  std::string text = kCsvHead;
  for (const CompareRow& row : comparison.rows) {
    const std::string head = fmt::format("{},{},{},{},{},{}", CsvField(row.fixture), row.part,
                                         CsvField(row.key), CsvField(row.metric.counter),
                                         CsvField(row.metric.unit), BetterText(row.metric));
    for (size_t c = 0; c < columns.size(); ++c) {
      if (!row.cells[c]) continue;
      fmt::format_to(std::back_inserter(text), "{},{},{},{},{},\n", head, columns[c],
                     CellFields(*row.cells[c]), VerdictFields(row.verdicts[c], row.metric),
                     CsvField(row.cells[c]->remark));
    }
  }
  for (const roofline::MissingRow& one : comparison.missing) {
    size_t c = 0;
    while (c + 1 < columns.size() && comparison.columns[c].label != one.column) ++c;
    fmt::format_to(std::back_inserter(text), ",,{},,,,{},,,,,,,,,,,,,,{}\n", CsvField(one.key),
                   columns[c], CsvField(one.why));
  }
  return text;
}

std::string JsonText(const CompareReport& report) {
  const Comparison& comparison = report.comparison;
  const auto as_it_is = [](const std::string& text) { return OrderedJson(text); };
  std::string text = "{\n  \"schema_version\": 1,\n";
  text +=
      fmt::format("  \"baseline\": {},\n", Quoted(comparison.columns[comparison.baseline].label));
  AppendList("columns", comparison.columns, ColumnJson, text);
  AppendList("rows", comparison.rows, RowJson, text);
  AppendList("summaries", comparison.summaries, SummaryJson, text);
  AppendList(
      "missing", comparison.missing,
      [](const roofline::MissingRow& one) {
        return OrderedJson{{"column", one.column}, {"row", one.key}, {"why", one.why}};
      },
      text);
  AppendList(
      "differences", comparison.differences,
      [](const roofline::ContextDifference& one) {
        return OrderedJson{{"what", one.what}, {"values", one.values}};
      },
      text);
  AppendList("warnings", comparison.warnings, as_it_is, text);
  AppendList("remarks", report.remarks, as_it_is, text);
  if (report.fail_on) {
    text += fmt::format("  \"fail_on\": {},\n", *report.fail_on);
    AppendList(
        "regressions", report.regressions,
        [&comparison](const Regression& one) {
          return OrderedJson{{"row", one.row->key},
                             {"counter", one.row->metric.counter},
                             {"column", comparison.columns[one.column].label},
                             {"ratio", one.row->verdicts[one.column]->ratio.median}};
        },
        text);
  }
  if (report.findings) {
    text += "  \"findings\": " + FindingsText(*report.findings, TableFormat::kJson);
  } else {
    text.erase(text.find_last_of(','), 1);
  }
  return text + "}\n";
}

}  // namespace wattline::tools
