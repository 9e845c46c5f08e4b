// A comparison and what stands beside it, as text for people and for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/lint.h"

namespace wattline::tools {

// A row that a column is worse in than the baseline, by more than --fail-on.
struct Regression {
  const roofline::CompareRow* row = nullptr;
  size_t column = 0;
};

struct CompareReport {
  roofline::Comparison comparison;
  std::vector<std::string> remarks;  // what was decided or left out on the way
  std::optional<std::vector<roofline::Finding>> findings;  // absent with --no-lint
  std::optional<double> fail_on;
  std::vector<Regression> regressions;
};

struct Look {
  bool markdown = false;
  bool colour = false;
  size_t width = 160;  // that a table of a column per chip may have; else it has a line per chip
};

std::string TablesText(const CompareReport& report, const Look& look);
// Long form: a line per row, counter and column; then one per missing row.
std::string CsvText(const CompareReport& report);
// The whole comparison; the keys are told in tools/README.md.
std::string JsonText(const CompareReport& report);

// Warnings, remarks and findings alone: for stderr beside CSV.
std::string NotesText(const CompareReport& report, const Look& look);

// Figures as tables show them.
std::string ValueText(double value);
std::string RatioText(double ratio);
// "[1.020, 1.043]"; empty where there is none.
std::string IntervalText(const roofline::Estimate& ratio);
// The label, and whether its figures are published ones.
std::string LabelText(const roofline::CompareColumn& column);

}  // namespace wattline::tools
