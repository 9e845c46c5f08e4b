#include "tools/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "benchmarks/results.h"

namespace wattline::tools {
namespace {

// Columns of the terminal: UTF-8's continuation bytes and sequences of colour take none.
size_t TerminalWidth(const std::string& text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\x1b[") == 0) {
      i = std::min(text.find('m', i), text.size());
    } else {
      width += (text[i] & 0xC0) != 0x80;
    }
  }
  return width;
}

std::string Padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, TerminalWidth(text)), ' ');
  return right ? space + text : text + space;
}

std::string Shown(const Cell& cell) { return cell.absent() ? "-" : cell.text; }

std::vector<size_t> FilledColumns(const TextTable& table) {
  std::vector<size_t> filled;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const bool any = std::any_of(table.rows.begin(), table.rows.end(),
                                 [c](const std::vector<Cell>& row) { return !row[c].absent(); });
    if (any) filled.push_back(c);
  }
  return filled;
}

std::string Text(const TextTable& table) {
  const std::vector<size_t> filled = FilledColumns(table);
  std::vector<size_t> widths;
  for (size_t c : filled) {
    size_t width = TerminalWidth(table.columns[c].title);
    for (const auto& row : table.rows) width = std::max(width, TerminalWidth(Shown(row[c])));
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t i = 0; i < filled.size(); ++i) {
      if (i > 0) text += "  ";
      text += Padded(cell_of(filled[i]), widths[i], table.columns[filled[i]].right);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text = table.title.empty() ? "" : table.title + "\n";
  const std::string head = line([&](size_t c) { return table.columns[c].title; });
  text += head + std::string(TerminalWidth(head) - 1, '-') + "\n";
  for (const auto& row : table.rows) text += line([&](size_t c) { return Shown(row[c]); });
  return text;
}

std::string Markdown(const TextTable& table) {
  const std::vector<size_t> filled = FilledColumns(table);
  const auto escaped = [](const std::string& plain) {
    std::string cell;
    for (const char c : plain) {
      if (c == '|') cell += '\\';
      cell += c;
    }
    return cell;
  };
  std::string text = table.title.empty() ? "" : fmt::format("**{}**\n\n", escaped(table.title));
  for (size_t c : filled) text += fmt::format("| {} ", escaped(table.columns[c].title));
  text += "|\n";
  for (size_t c : filled) text += table.columns[c].right ? "|---:" : "|---";
  text += "|\n";
  for (const auto& row : table.rows) {
    for (size_t c : filled) text += fmt::format("| {} ", escaped(Shown(row[c])));
    text += "|\n";
  }
  return text;
}

std::string Csv(const TextTable& table) {
  std::string text;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    text += (c ? "," : "") + CsvField(table.columns[c].key);
  }
  text += "\n";
  for (const auto& row : table.rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      if (c) text += ",";
      text += row[c].number ? fmt::format("{}", *row[c].number) : CsvField(row[c].text);
    }
    text += "\n";
  }
  return text;
}

std::string TableJson(const TextTable& table) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& row : table.rows) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (size_t c = 0; c < row.size(); ++c) {
      if (row[c].number) {
        object[table.columns[c].key] = *row[c].number;
      } else if (!row[c].text.empty()) {
        object[table.columns[c].key] = row[c].text;
      }
    }
    list.push_back(std::move(object));
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::optional<TableFormat> TableFormatFromName(std::string_view name) {
  if (name == "table") return TableFormat::kTable;
  if (name == "md") return TableFormat::kMarkdown;
  if (name == "csv") return TableFormat::kCsv;
  if (name == "json") return TableFormat::kJson;
  return std::nullopt;
}

std::string FigureText(double value, int digits) {
  if (std::abs(value) >= std::pow(10.0, digits)) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}g}", value, digits);
}

Cell NumberCell(const std::optional<double>& value, double factor, int digits) {
  if (!value || !std::isfinite(*value * factor)) return {};
  return {*value * factor, fmt::format("{:.{}g}", *value * factor, digits)};
}

Cell PercentCell(const std::optional<double>& share) {
  if (!share || !std::isfinite(*share)) return {};
  return {*share, fmt::format("{:.1f} %", 100 * *share)};
}

std::string Render(const TextTable& table, TableFormat format) {
  switch (format) {
    case TableFormat::kTable:
      return Text(table);
    case TableFormat::kMarkdown:
      return Markdown(table);
    case TableFormat::kCsv:
      return Csv(table);
    case TableFormat::kJson:
      return TableJson(table);
  }
  return {};
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string Quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string WriteOutput(const std::string& path, const std::string& text) {
  if (!path.empty() && path != "-") return benchmarks::ReplaceFile(path, text);
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return {};
  return "standard output cannot be written to";
}

}  // namespace wattline::tools
