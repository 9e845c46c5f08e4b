// A table for people and for programs: aligned text, Markdown, CSV or JSON from the same cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wattline::tools {

enum class TableFormat : uint8_t { kTable, kMarkdown, kCsv, kJson };
// "table", "md", "csv", "json".
std::optional<TableFormat> TableFormatFromName(std::string_view name);

// People read the text; programs read the number where there is one, in the column's unit.
struct Cell {
  Cell() = default;  // absent: "-" in text, nothing in CSV, no key in JSON
  Cell(std::string words) : text(std::move(words)) {}  // NOLINT: meant to be implicit
  Cell(const char* words) : text(words) {}             // NOLINT
  Cell(double value, std::string shown) : number(value), text(std::move(shown)) {}
  std::optional<double> number;
  std::string text;
  bool absent() const { return !number && text.empty(); }
};
// "448.1", "42263": `digits` significant ones, and those before the point; without an exponent.
std::string FigureText(double value, int digits);
// `digits` significant ones; an absent value is an absent cell. `factor` turns the value into the
// column's unit.
Cell NumberCell(const std::optional<double>& value, double factor = 1, int digits = 4);
Cell PercentCell(const std::optional<double>& share);  // 0.913 -> "91.3 %"; the number stays 0.913

struct Column {
  std::string key;    // of CSV and JSON, with its unit: "peak_gflop_per_s"
  std::string title;  // for people: "peak GFLOP/s"
  bool right = true;  // numbers are right-aligned
};

struct TextTable {
  std::string title;  // above the table; CSV and JSON leave it out
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // each as long as columns
};

// With a newline at the end. JSON: an array of objects, absent cells left out. Columns that are
// absent in every row are left out of text and Markdown.
std::string Render(const TextTable& table, TableFormat format);

// A field of CSV by RFC 4180: in quotes where it holds a comma, a quote or a line break.
std::string CsvField(const std::string& text);

// A JSON string literal, quotes included.
std::string Quoted(std::string_view text);

// Writes the text to `path`, or to standard output where it is empty or "-". A regular file is
// replaced in one step. One sentence where that fails.
std::string WriteOutput(const std::string& path, const std::string& text);

}  // namespace wattline::tools
