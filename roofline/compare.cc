#include "roofline/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "roofline/compare_cells.h"
#include "roofline/compare_differences.h"
#include "roofline/compare_layout.h"
#include "roofline/compare_summary.h"
#include "roofline/compare_verdict.h"

namespace wattline::roofline {
namespace {

class Comparer {
 public:
  Comparer(std::span<const Results> files, const CompareOptions& options)
      : files_(files), options_(options), bootstrap_(options.resamples, options.seed) {}

  CompareResult Done() {
    layout_ = LayOut(files_, options_);
    if (!layout_.error.empty()) return {std::nullopt, layout_.error};
    comparison_.baseline = layout_.baseline;
    comparison_.columns = layout_.columns;
    comparison_.warnings = layout_.warnings;
    for (const KeyRows& key : layout_.keys) AddKey(key);
    if (std::string error = UnknownCounter(); !error.empty()) return {std::nullopt, error};
    for (size_t c = 0; c < layout_.columns.size(); ++c) {
      if (c != layout_.baseline) JudgeColumn(c);
    }
    FindDifferences(files_, layout_, options_, comparison_);
    comparison_.summaries = Summarise(comparison_, options_);
    if (layout_.columns.size() == 1) {
      comparison_.warnings.push_back(fmt::format(
          "there is one column only, '{}': another file, or a part of rows' names to compare "
          "across, would make a second",
          layout_.columns[0].label));
    }
    return {std::move(comparison_), {}};
  }

 private:
  void AddKey(const KeyRows& key) {
    std::vector<ChosenRuns> chosen;
    for (const CellRuns& cell : key.cells) chosen.push_back(ChooseRuns(cell, files_));
    for (size_t c = 0; c < key.cells.size(); ++c) {
      if (!chosen[c].runs.empty()) continue;
      const std::vector<Run>& failed = key.cells[c].failed;
      comparison_.missing.push_back({layout_.columns[c].label, key.key,
                                     failed.empty() ? "not in its files" : failed[0].row->error});
    }
    for (const Metric& metric : MetricsOf(key, chosen)) AddRow(key, metric, chosen);
  }

  std::vector<Metric> MetricsOf(const KeyRows& key, const std::vector<ChosenRuns>& chosen) {
    if (!options_.counters.empty()) return Known(options_.counters);
    const std::span<const std::string> principal = PrincipalCounters(key.fixture);
    if (!principal.empty()) return Known(principal);
    std::vector<std::string> counters;
    for (const ChosenRuns& one : chosen) AddCounters(one, counters);
    std::vector<Metric> metrics = Known(counters);
    std::erase_if(metrics, [](const Metric& metric) { return !metric.ranked; });
    return metrics;
  }

  const std::vector<Metric>& Known(std::span<const std::string> counters) {
    std::vector<std::string> names(counters.begin(), counters.end());
    std::vector<Metric>& metrics = known_[names];
    if (metrics.empty()) {
      for (const std::string& name : names) metrics.push_back(MetricOf(name));
    }
    return metrics;
  }

  void AddRow(const KeyRows& key, const Metric& metric, const std::vector<ChosenRuns>& chosen) {
    CompareRow row;
    bool has_any = false;
    row.cells.reserve(chosen.size());
    for (const ChosenRuns& one : chosen) {
      row.cells.push_back(CellOf(one, metric, bootstrap_));
      has_any = has_any || row.cells.back();
    }
    if (!has_any) return;
    row.key = key.key;
    row.fixture = key.fixture;
    row.part = key.part;
    row.metric = metric;
    row.verdicts.resize(chosen.size());
    comparison_.rows.push_back(std::move(row));
  }

  // Asked for by name, and in no row.
  std::string UnknownCounter() const {
    std::set<std::string> found;
    for (const CompareRow& row : comparison_.rows) found.insert(row.metric.counter);
    for (const std::string& counter : options_.counters) {
      if (found.count(counter) > 0) continue;
      std::vector<std::string> there;
      for (const KeyRows& key : layout_.keys) {
        for (const CellRuns& cell : key.cells) AddCounters(ChooseRuns(cell, files_), there);
      }
      std::sort(there.begin(), there.end());
      return fmt::format("no row has the counter '{}'; there are {}", counter,
                         there.empty() ? "none" : fmt::format("{}", fmt::join(there, ", ")));
    }
    return {};
  }

  static bool IsPositive(const CompareCell& cell) {
    return std::all_of(cell.samples.begin(), cell.samples.end(), [](double x) { return x > 0; });
  }

  void JudgeColumn(size_t column) {
    std::vector<ComparePair> pairs;
    std::vector<CompareRow*> rows;
    for (CompareRow& row : comparison_.rows) {
      const std::optional<CompareCell>& cell = row.cells[column];
      const std::optional<CompareCell>& base = row.cells[layout_.baseline];
      if (!row.metric.ranked || !cell || !base || !IsPositive(*cell) || !IsPositive(*base))
        continue;
      pairs.push_back({&*cell, &*base, &row.metric});
      rows.push_back(&row);
    }
    std::vector<CompareVerdict> verdicts = JudgeFamily(pairs, options_, bootstrap_);
    for (size_t i = 0; i < rows.size(); ++i) rows[i]->verdicts[column] = std::move(verdicts[i]);
  }

  std::span<const Results> files_;
  const CompareOptions& options_;
  MedianBootstrap bootstrap_;
  Layout layout_;
  std::map<std::vector<std::string>, std::vector<Metric>> known_;
  Comparison comparison_;
};

}  // namespace

const char* Name(Verdict verdict, const Metric& metric) {
  switch (verdict) {
    case Verdict::kSame:
      return "same";
    case Verdict::kUnclear:
      return "unclear";
    case Verdict::kBetter:
    case Verdict::kWorse:
      break;
  }
  const bool is_better = verdict == Verdict::kBetter;
  switch (metric.quantity) {
    case Quantity::kSpeed:
      return is_better ? "faster" : "slower";
    case Quantity::kEnergy:
      return is_better ? "thriftier" : "hungrier";
    case Quantity::kOther:
      break;
  }
  return is_better ? "better" : "worse";
}

CompareResult Compare(std::span<const Results> files, const CompareOptions& options) {
  return Comparer(files, options).Done();
}

bool IsRegression(const CompareRow& row, size_t column, double share) {
  const std::optional<CompareVerdict>& verdict = row.verdicts[column];
  if (!verdict || verdict->verdict != Verdict::kWorse) return false;
  const double ratio = verdict->ratio.median;
  return row.metric.better == Better::kHigher ? ratio < 1 - share : ratio > 1 + share;
}

std::vector<const CompareRow*> Regressions(const Comparison& comparison, double share) {
  std::vector<const CompareRow*> worse;
  for (const CompareRow& row : comparison.rows) {
    bool is_worse = false;
    for (size_t c = 0; c < row.verdicts.size(); ++c) is_worse |= IsRegression(row, c, share);
    if (is_worse) worse.push_back(&row);
  }
  return worse;
}

}  // namespace wattline::roofline
