#include "benchmarks/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "benchmarks/fixture.h"

namespace wattline::benchmarks {
namespace {

// "12.34 ms", "102.3%": wide enough for a cell, and nine columns beside a name stay under 120.
constexpr size_t kCellWidth = 8;

Column Time() { return {.header = "time", .key = "time", .time = true}; }
Column Plain(std::string header, std::string key) {
  return {.header = std::move(header), .key = std::move(key)};
}
Column Percent(std::string header, std::string key) {
  return {.header = std::move(header), .key = std::move(key), .scale = 100, .percent = true};
}

std::vector<Column> AllColumnsOf(const std::string& fixture) {
  if (fixture == "decode") {
    return {
        Plain("tok/s", "tok/s"),     Plain("GB/s", "GB/s"),       Percent("MBU", "MBU"),
        Plain("TFLOPS", "TFLOPS"),   Percent("MFU", "MFU"),       Plain("TTFT ms", "TTFT_ms"),
        Plain("J/token", "J/token"), Plain("peak GB", "peak_GB"), Plain("ground", "ground_GB/s")};
  }
  if (fixture == "block" || fixture == "encode") {
    return {Time(),
            Plain("tok/s", "tok/s"),
            Plain("TFLOPS", "TFLOPS"),
            Percent("MFU", "MFU"),
            Plain("GB/s", "GB/s"),
            Percent("MBU", "MBU"),
            Plain("J/token", "J/token")};
  }
  if (fixture == "dequant" || fixture == "norm") {
    return {Time(), Plain("GB/s", "GB/s"), Plain("joules", "joules"), Plain("watts", "watts")};
  }
  if (fixture == "attention") {
    return {Time(),
            Plain("TFLOPS", "TFLOPS"),
            Percent("MFU", "MFU"),
            Plain("GB/s", "GB/s"),
            Percent("MBU", "MBU"),
            Plain("joules", "joules")};
  }
  if (fixture == "ceiling") {
    // How long an iteration takes is our choice.
    return {Plain("FLOP/B", "AI"),     Plain("TFLOPS", "TFLOPS"), Plain("GB/s", "GB/s"),
            Plain("GHz", "clock_GHz"), Plain("joules", "joules"), Plain("watts", "watts")};
  }
  return {Time(),
          Plain("TFLOPS", "TFLOPS"),
          Percent("MFU", "MFU"),
          Plain("GB/s", "GB/s"),
          Percent("MBU", "MBU"),
          Plain("AI", "AI"),
          Plain("joules", "joules"),
          Plain("watts", "watts")};
}

bool IsOfEnergy(const Column& column) {
  return column.key == "joules" || column.key == "watts" || column.key == "J/token";
}

double SecondsPer(const std::string& unit) {
  if (unit == "s") return 1;
  if (unit == "ms") return 1e-3;
  if (unit == "us") return 1e-6;
  return 1e-9;
}

std::string ShortTime(double time_s) {
  if (time_s >= 1) return ShortNumber(time_s) + " s";
  if (time_s >= 1e-3) return ShortNumber(time_s * 1e3) + " ms";
  if (time_s >= 1e-6) return ShortNumber(time_s * 1e6) + " us";
  return ShortNumber(time_s * 1e9) + " ns";
}

std::string NameOf(const Json& row) { return row.value("name", std::string()); }

bool IsError(const Json& row) {
  return row.value("error_occurred", false) || row.value("skipped", false);
}

std::string HtmlEscape(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// The rows of each fixture, in the order in which fixtures first appear.
std::vector<std::pair<std::string, std::vector<Json>>> ByFixture(const Json& document) {
  std::vector<std::pair<std::string, std::vector<Json>>> groups;
  for (const Json& row : document["benchmarks"]) {
    const std::string fixture = FixtureOf(row);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&fixture](const auto& g) { return g.first == fixture; });
    if (group == groups.end()) group = groups.insert(groups.end(), {fixture, {}});
    group->second.push_back(row);
  }
  return groups;
}

}  // namespace

std::string ShortNumber(double value) {
  const double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return fmt::format("{:.2e}", value);
  // Digits behind the point for 4 significant ones; a small number has its leading zeros besides.
  const int whole = magnitude < 1e-3 ? 1 : static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(4 - whole, 0, 7));
}

std::vector<Column> ColumnsOf(const std::string& fixture, bool has_energy) {
  std::vector<Column> columns = AllColumnsOf(fixture);
  if (!has_energy) std::erase_if(columns, IsOfEnergy);
  return columns;
}

std::string FixtureOf(const Json& row) {
  const std::string name = NameOf(row);
  return name.substr(0, name.find('/'));
}

std::string Cell(const Json& row, const Column& column) {
  const std::string key = column.time ? "real_time" : column.key;
  if (IsError(row) || !row.contains(key) || !row[key].is_number()) return "-";
  const double value = row[key].get<double>() * column.scale;
  // A read loop has no operations, a peak loop no bytes: nothing to show.
  if (value == 0 && (key == "TFLOPS" || key == "GB/s")) return "-";
  // A coefficient of variation is a share, whatever its column holds.
  const bool is_share = row.value("aggregate_unit", std::string()) == "percentage";
  if (is_share) return fmt::format("{:.1f}%", row[key].get<double>() * 100);
  if (column.percent) return fmt::format("{:.1f}%", value);
  if (column.time) return ShortTime(value * SecondsPer(row.value("time_unit", std::string("ns"))));
  return ShortNumber(value);
}

std::string Remark(const Json& row) {
  if (IsError(row)) {
    const char* key = row.contains("skip_message") ? "skip_message" : "error_message";
    const std::string why = row.value(key, std::string("no reason given"));
    return why.rfind(kSkipped, 0) == 0 ? why : "ERROR: " + why;
  }
  return row.value("label", std::string());
}

std::string TextTable::Add(const Json& row) {
  const std::string fixture = FixtureOf(row);
  const std::vector<Column> columns = ColumnsOf(fixture, has_energy_);
  size_t& name_width = name_width_[fixture];
  name_width = std::max({name_width, NameOf(row).size(), size_t{20}});
  std::string text;
  if (fixture != fixture_) {
    text = fixture_.empty() ? "" : "\n";
    std::string head = fmt::format("{:<{}}", fixture, name_width);
    for (const Column& column : columns) head += fmt::format(" {:>{}}", column.header, kCellWidth);
    text += head + "\n" + std::string(head.size(), '-') + "\n";
    fixture_ = fixture;
  }
  std::string line = fmt::format("{:<{}}", NameOf(row), name_width);
  if (!IsError(row)) {
    for (const Column& column : columns)
      line += fmt::format(" {:>{}}", Cell(row, column), kCellWidth);
  }
  const std::string remark = Remark(row);
  return text + line + (remark.empty() ? "" : "  " + remark) + "\n";
}

std::string MarkdownText(const Json& document, bool has_energy) {
  std::string text;
  for (const auto& [fixture, rows] : ByFixture(document)) {
    const std::vector<Column> columns = ColumnsOf(fixture, has_energy);
    text += fmt::format("{}| {} |", text.empty() ? "" : "\n", fixture);
    for (const Column& column : columns) text += fmt::format(" {} |", column.header);
    text += " |\n|---|";
    for (size_t i = 0; i < columns.size(); ++i) text += "---:|";
    text += "---|\n";
    for (const Json& row : rows) {
      text += fmt::format("| `{}` |", NameOf(row));
      for (const Column& column : columns) text += fmt::format(" {} |", Cell(row, column));
      text += fmt::format(" {} |\n", Remark(row));
    }
  }
  return text;
}

std::string HtmlText(const Json& document, bool has_energy) {
  const Json& context = document["context"];
  const std::string chip = HtmlEscape(context.value("chip", std::string("unknown chip")));
  std::string text = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>wattline: "
      "{0}</title>\n"
      "<style>body{{font:14px system-ui,sans-serif;margin:2em}}table{{border-collapse:collapse;"
      "margin:1em 0}}th,td{{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right}}"
      "th:first-child,td:first-child,td:last-child{{text-align:left}}"
      "td:first-child{{font-family:monospace}}</style></head><body>\n<h1>{0}</h1>\n<p>{1}</p>\n",
      chip, HtmlEscape(context.value("date", std::string())));
  for (const auto& [fixture, rows] : ByFixture(document)) {
    const std::vector<Column> columns = ColumnsOf(fixture, has_energy);
    text += fmt::format("<table><tr><th>{}</th>", HtmlEscape(fixture));
    for (const Column& c : columns) text += fmt::format("<th>{}</th>", HtmlEscape(c.header));
    text += "<th></th></tr>\n";
    for (const Json& row : rows) {
      text += fmt::format("<tr><td>{}</td>", HtmlEscape(NameOf(row)));
      for (const Column& c : columns) text += fmt::format("<td>{}</td>", HtmlEscape(Cell(row, c)));
      text += fmt::format("<td>{}</td></tr>\n", HtmlEscape(Remark(row)));
    }
    text += "</table>\n";
  }
  return text + "</body></html>\n";
}

}  // namespace wattline::benchmarks
