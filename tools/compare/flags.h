// The command line of `compare` as options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "roofline/compare.h"

namespace wattline::tools {

struct CompareFlags {
  std::vector<std::string> paths;
  std::string across;
  std::string by;
  std::string baseline;
  std::string counters;
  std::string filter;
  std::string same = "1%";
  std::string alpha = "0.05";
  std::string output = "table";
  std::string file;
  std::string fail_on;
  std::string reference;
  bool list_references = false;
  bool no_lint = false;
  bool no_color = false;
};

enum class Shape : uint8_t { kTable, kMarkdown, kCsv, kJson, kHtml };

struct CompareSettings {
  roofline::CompareOptions options;
  bool by_is_given = false;       // --by
  std::optional<double> fail_on;  // a share
  Shape shape = Shape::kTable;
  std::string error;  // one sentence with the value and what there is; then the rest is of no use
};
CompareSettings SettingsOf(const CompareFlags& flags);

// Parts between commas; empty ones are left out.
std::vector<std::string> Split(const std::string& text);

}  // namespace wattline::tools
