#include "roofline/compare_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

constexpr const char* kTime = "time_s";

void AppendRemark(std::string& remark, const std::string& more) {
  if (more.empty()) return;
  if (!remark.empty()) remark += "; ";
  remark += more;
}

// Absence is written as 0 by some: a ranked 0 is no measurement.
std::optional<double> ValueOf(const Row& row, const Metric& metric) {
  double value = row.time_s;
  if (metric.counter != kTime) {
    const auto found = row.counters.find(metric.counter);
    if (found == row.counters.end()) return std::nullopt;
    value = found->second;
  }
  if (!std::isfinite(value) || (metric.ranked && value == 0)) return std::nullopt;
  return value;
}

bool IsPartOfJoules(const std::string& counter) { return counter.rfind("J:", 0) == 0; }

// Half-width of the value's bound, from joules_err. Those of a part are at most those of the whole.
std::optional<double> BoundOf(const Row& row, const Metric& metric, double value) {
  if (metric.quantity != Quantity::kEnergy) return std::nullopt;
  if (metric.counter == "net_joules") return row.Counter("net_joules_err");
  const std::optional<double> err = row.Counter("joules_err");
  if (!err || metric.counter == "joules" || IsPartOfJoules(metric.counter)) return err;
  const std::optional<double> joules = row.Counter("joules");
  if (!joules || !(*joules > 0)) return std::nullopt;
  return *err / *joules * std::abs(value);
}

bool IsUnsteady(const Row& row) {
  const auto found = row.counters.find("unsteady");
  return found != row.counters.end() && found->second > 0;
}

// Parts of a label that concern the metric: "energy within 5 % only", "above the measured peak".
std::string LabelRemark(const std::string& label, const Metric& metric) {
  std::string remark;
  for (size_t begin = 0; begin < label.size();) {
    const size_t end = std::min(label.find("; ", begin), label.size());
    const std::string part = label.substr(begin, end - begin);
    const bool of_energy = part.rfind("energy ", 0) == 0 || part.rfind("no meter", 0) == 0;
    const bool of_all = part.rfind("above the ", 0) == 0 || part.rfind("not used", 0) == 0;
    if (of_all || (of_energy && metric.quantity == Quantity::kEnergy)) AppendRemark(remark, part);
    begin = end + 2;
  }
  return remark;
}

const Row* BestAggregate(const std::vector<Run>& aggregates, size_t file) {
  for (const char* kind : {"median", "mean"}) {
    for (const Run& run : aggregates) {
      if (run.file == file && run.row->aggregate == kind) return run.row;
    }
  }
  return nullptr;
}

std::string SourcesOf(const std::vector<Run>& runs, std::span<const Results> files) {
  std::vector<std::string> sources;
  for (const Run& run : runs) {
    const Results& file = files[run.file];
    // Whose figures: of published ones always, of others where a row tells it of itself.
    if (!file.published && run.row->source.empty()) continue;
    const std::string& source = run.row->source.empty() ? file.source : run.row->source;
    const std::string text = (file.published ? "published" : "source") +
                             (source.empty() ? std::string() : ": " + source);
    if (std::find(sources.begin(), sources.end(), text) == sources.end()) sources.push_back(text);
  }
  return fmt::format("{}", fmt::join(sources, "; "));
}

}  // namespace

ChosenRuns ChooseRuns(const CellRuns& cell, std::span<const Results> files) {
  ChosenRuns chosen;
  chosen.runs = cell.runs;
  std::set<size_t> seen;
  for (const Run& run : cell.runs) seen.insert(run.file);
  for (const Run& run : cell.aggregates) {
    if (!seen.insert(run.file).second) continue;
    const Row* row = BestAggregate(cell.aggregates, run.file);
    if (row == nullptr) continue;
    chosen.runs.push_back({row, run.file});
    AppendRemark(chosen.remark, row->aggregate + " as its file tells");
  }
  if (chosen.runs.empty()) return chosen;
  size_t unsteady = 0;
  for (const Run& run : chosen.runs) unsteady += IsUnsteady(*run.row);
  chosen.unsteady = unsteady > 0;
  if (unsteady > 0) {
    AppendRemark(chosen.remark,
                 chosen.runs.size() == 1
                     ? "unsteady"
                     : fmt::format("{} of {} runs unsteady", unsteady, chosen.runs.size()));
  }
  if (!cell.failed.empty()) {
    AppendRemark(chosen.remark,
                 fmt::format("{} of {} runs failed: {}", cell.failed.size(),
                             cell.failed.size() + chosen.runs.size(), cell.failed[0].row->error));
  }
  AppendRemark(chosen.remark, SourcesOf(chosen.runs, files));
  return chosen;
}

std::optional<CompareCell> CellOf(const ChosenRuns& chosen, const Metric& metric,
                                  MedianBootstrap& bootstrap) {
  CompareCell cell;
  std::vector<double> bounds;
  std::string label;
  for (const Run& run : chosen.runs) {
    const std::optional<double> value = ValueOf(*run.row, metric);
    if (!value) continue;
    cell.samples.push_back(*value);
    if (const auto bound = BoundOf(*run.row, metric, *value)) bounds.push_back(*bound);
    if (label.empty() && !run.row->label.empty()) label = LabelRemark(run.row->label, metric);
  }
  if (cell.samples.empty()) return std::nullopt;
  cell.estimate = *bootstrap.Of(cell.samples);
  cell.unsteady = chosen.unsteady;
  cell.bound = Median(bounds);
  cell.remark = chosen.remark;
  AppendRemark(cell.remark, label);
  return cell;
}

void AddCounters(const ChosenRuns& chosen, std::vector<std::string>& counters) {
  const auto add = [&counters](const std::string& counter) {
    if (std::find(counters.begin(), counters.end(), counter) == counters.end()) {
      counters.push_back(counter);
    }
  };
  for (const Run& run : chosen.runs) {
    if (run.row->time_s > 0) add(kTime);
    for (const auto& [counter, value] : run.row->counters) add(counter);
  }
}

}  // namespace wattline::roofline
