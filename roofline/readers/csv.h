// Comma-separated values with a header line, as benchmarks print them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wattline::roofline {

struct CsvTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
  std::string error;  // "line 3 has 2 fields, the header has 40"; then the rest is unread
};

// Fields may be quoted; a quote in a quoted field is doubled. Empty lines are passed over.
CsvTable ParseCsv(std::string_view text);

}  // namespace wattline::roofline
