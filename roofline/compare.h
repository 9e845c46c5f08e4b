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

// What a column is. Rows of different chips (or of one chip beside different GPUs), of different
// programs, or measured and published ones, are never in one column, whatever this says.
//   kChip     a chip; its files are merged, their rows of one name are repetitions. Where all files
//             are of one chip and one program, or `baseline` names one of several, files are
//             columns.
//   kFile     a file
//   kBackend  a backend of a chip: the same as kChip with across = "backend"
//   kFormat   a format of a chip, kIsa the X of a chip's backends cpu_X ("best" for cpu): likewise
enum class By : uint8_t { kChip, kBackend, kFormat, kIsa, kFile };

struct CompareOptions {
  By by = By::kChip;
  // "backend", "format", "isa" or a case's name, or several with commas between: left out of the
  // rows' keys and made part of the column: each backend of a chip is a column of its own. Rows
  // that have no such thing are left out, with a warning.
  std::string across;
  // Label, path or file name of the column that ratios are held against; "": the first.
  std::string baseline;
  std::vector<std::string> counters;  // empty: each fixture's principal ones
  // Regular expression that is found anywhere in a row's name, or with a leading '-', is not; "":
  // all.
  std::string filter;
  double same = 0.01;   // ratios within 1 +- this are the same
  double alpha = 0.05;  // family-wise over a column's rows and counters, after Holm's correction
  // Of rows with fewer samples than a test or an interval needs: differences below this are
  // unclear. 10 % is what two probes of an unsteady row differ by (README, `unsteady`).
  double single_run = 0.10;
  // Of few samples one of which is unsteady: only a factor above this is judged. The machine may
  // have stood in another regime: two of one virtual machine read 40 to 47 and 70 to 76 GB/s.
  double unsteady_factor = 2.0;
  int resamples = 1000;
  uint64_t seed = 1;
};

enum class Verdict : uint8_t { kBetter, kWorse, kSame, kUnclear };
// "faster", "slower"; of energy "thriftier", "hungrier"; else "better", "worse"; "same", "unclear".
const char* Name(Verdict verdict, const Metric& metric);

struct CompareColumn {
  std::string label;               // chip, backend ...; made distinct where two are alike
  std::string chip;                // empty: its files do not tell
  std::vector<std::string> files;  // without folders
  std::string tool;                // program that wrote them: "bench", "llama-bench", "published"
  bool published = false;          // figures of others, not measured here
};

struct CompareCell {
  std::vector<double> samples;
  Estimate estimate;
  bool unsteady = false;        // of any of its runs
  std::optional<double> bound;  // of energies: the median of joules_err, in the metric's unit
  std::string remark;           // "unsteady", "published: <source>", "energy within 5 % only" ...
};

// With enough runs for a test, kBetter and kWorse need an adjusted p below alpha and an interval of
// the ratio that is wholly outside 1 +- same; kSame needs one wholly inside. With fewer, they need
// a difference above single_run between steady rows whose runs do not overlap, and nothing is
// kSame. Of energies, a difference within both cells' bounds together is kUnclear.
struct CompareVerdict {
  Verdict verdict = Verdict::kUnclear;
  Estimate ratio;           // this column over the baseline; of energies widened by both bounds
  std::optional<double> p;  // Holm-adjusted, where a test was possible
  std::string why;          // "1 run each", "interval 0.98 to 1.03" ...
};

// One counter of one row.
struct CompareRow {
  std::string key;      // the name without what --across leaves out
  std::string fixture;  // empty for foreign names
  std::string part;     // of fixture decode: "prefill" or "ctx"; else empty
  Metric metric;
  std::vector<std::optional<CompareCell>> cells;  // [columns]
  // [columns]; absent for the baseline, where one of the two has no cell, where a value is not
  // above 0, and of metrics that are not ranked.
  std::vector<std::optional<CompareVerdict>> verdicts;
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

// Geometric mean of ratios over the rows that both columns have, with the interval of a bootstrap
// over rows: how much the rows differ, not how well each was measured.
struct CompareSummary {
  std::string fixture;  // "" for all
  std::string part;     // prefill and decode are bound by different things and have no common mean
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

// Aggregates count only where a file has no runs of that row: its median, else its mean, as one
// sample. A ranked value of 0 is no measurement and is left out. `error`: an unknown baseline,
// filter or counter, in one sentence with what there is instead.
struct CompareResult {
  std::optional<Comparison> comparison;
  std::string error;
};
CompareResult Compare(std::span<const Results> files, const CompareOptions& options = {});

// The column got worse than the baseline by more than `share` (0.05) with verdict kWorse.
bool IsRegression(const CompareRow& row, size_t column, double share);
// Rows of which that is so in any column.
std::vector<const CompareRow*> Regressions(const Comparison& comparison, double share);

}  // namespace wattline::roofline
