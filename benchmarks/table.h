// Rows for human eyes: grouped by fixture, each with the columns that matter there.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/results.h"

namespace wattline::benchmarks {

// One column of a fixture's table.
struct Column {
  std::string header;  // with its unit: "GB/s", "TTFT ms"
  std::string key;     // of the JSON row; "time" stands for real_time in seconds
  double scale = 1;    // 100 for a share shown in percent
  bool percent = false;
  bool time = false;  // shown with the unit that suits it
};

// The columns of a fixture ("decode"), without those of energy where no meter is in use. A fixture
// that the list does not know gets the counters that every row has.
std::vector<Column> ColumnsOf(const std::string& fixture, bool has_energy);

// Up to the first '/': "decode".
std::string FixtureOf(const Json& row);
// The cell's text: "-" where the row has no such number.
std::string Cell(const Json& row, const Column& column);
// 4 significant digits without an exponent where it reads well: "1234", "56.78", "0.001234".
std::string ShortNumber(double value);
// What stands behind the row's numbers: "unsteady", or an error's sentence; else empty.
std::string Remark(const Json& row);

// Writes a text table row by row, its head before the first row of each fixture.
class TextTable {
 public:
  // `name_width`: the longest name of each fixture.
  TextTable(bool has_energy, std::map<std::string, size_t> name_width)
      : has_energy_(has_energy), name_width_(std::move(name_width)) {}
  // The text of one row, with the head of its fixture's table where that begins here.
  std::string Add(const Json& row);

 private:
  bool has_energy_;
  std::map<std::string, size_t> name_width_;
  std::string fixture_;
};

// All rows at once, one table for each fixture.
std::string MarkdownText(const Json& document, bool has_energy);
// One self-contained page.
std::string HtmlText(const Json& document, bool has_energy);

}  // namespace wattline::benchmarks
