// Results of several chips, backends or files side by side: which is better in what, by how much,
// and whether the difference is real.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/metric.h"
#include "roofline/result.h"
#include "roofline/statistics.h"

namespace wattline::roofline {

enum class By : uint8_t { kChip, kBackend, kFormat, kIsa, kFile };

struct CompareOptions {
  By by = By::kChip;     // what a column is; kIsa: the X of backends cpu_X
  std::string across;    // "backend", "format", "isa" or a case's name: left out of the rows' keys
  std::string baseline;  // label or path of the column that ratios are held against; "": the first
  std::vector<std::string> counters;  // empty: each fixture's principal ones
  std::string filter;                 // regular expression on row names; "": all
  double same = 0.01;                 // ratios within 1 +- this are the same
  double alpha = 0.05;                // family-wise, after Holm's correction
  // Of rows with fewer samples than a test or an interval needs: differences below this are
  // unclear. 10 % is what two probes of an unsteady row differ by (README, `unsteady`).
  double single_run = 0.10;
  int resamples = 1000;
  uint64_t seed = 1;
};

enum class Verdict : uint8_t { kBetter, kWorse, kSame, kUnclear };
const char* Name(Verdict verdict, Better direction);  // "faster", "slower", "thriftier", "same" ...

struct CompareColumn {
  std::string label;               // chip, backend ...; made distinct where two are alike
  std::vector<std::string> files;  // without folders
  std::string tool;                // program that wrote them: "bench", "llama-bench", "published"
  bool published = false;          // figures of others, not measured here
};

struct CompareCell {
  std::vector<double> samples;
  Estimate estimate;
  std::string remark;  // "unsteady", "published: <source>", "energy within 5 % only" ...
};

struct CompareVerdict {
  Verdict verdict = Verdict::kUnclear;
  Estimate ratio;           // this column over the baseline
  std::optional<double> p;  // Holm-adjusted, where a test was possible
  std::string why;          // "1 run each", "interval 0.98 to 1.03" ...
};

// One counter of one row.
struct CompareRow {
  std::string key;      // the name without what --across leaves out
  std::string fixture;  // empty for foreign names
  Metric metric;
  std::vector<std::optional<CompareCell>> cells;        // [columns]
  std::vector<std::optional<CompareVerdict>> verdicts;  // [columns]; absent for the baseline
};

struct MissingRow {
  std::string column;
  std::string key;
  std::string why;  // "not in its files", or the row's error
};

// A fact that differs between columns, so that "faster chip" is told from "other library".
struct ContextDifference {
  std::string what;                 // "compiler", "openblas", "meter of joules", "threads"
  std::vector<std::string> values;  // [columns]; empty: its files do not tell
};

// Geometric mean of ratios over the rows that both columns have.
struct CompareSummary {
  std::string fixture;  // "" for all
  Metric metric;
  std::string column;
  double ratio = 1;  // this column over the baseline
  std::optional<double> low;
  std::optional<double> high;
  size_t rows = 0;     // common ones
  size_t missing = 0;  // that only one of the two has
};

struct Comparison {
  size_t baseline = 0;  // index of its column
  std::vector<CompareColumn> columns;
  std::vector<CompareRow> rows;
  std::vector<MissingRow> missing;
  std::vector<ContextDifference> differences;
  std::vector<CompareSummary> summaries;
  std::vector<std::string> warnings;  // joules of different scope, modelled meters, published rows
};

// Aggregates count only where a file has no runs of that row. `error`: an unknown baseline, filter
// or counter, in one sentence with what there is instead.
struct CompareResult {
  std::optional<Comparison> comparison;
  std::string error;
};
CompareResult Compare(std::span<const Results> files, const CompareOptions& options = {});

// Rows that got worse than the baseline by more than `share` (0.05) with verdict kWorse.
std::vector<const CompareRow*> Regressions(const Comparison& comparison, double share);

}  // namespace wattline::roofline
