#include "roofline/merged_rows.h"

#include <algorithm>
#include <map>
#include <string>

#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

using Repetitions = std::vector<const Row*>;

Repetitions Only(const Repetitions& all, bool (*chosen)(const Row&)) {
  Repetitions some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some),
               [&](const Row* row) { return chosen(*row); });
  return some;
}

// What stands for the row: its runs, or the aggregates that are of their kind.
Repetitions Representing(const Repetitions& all) {
  for (const auto chosen : {+[](const Row& row) { return row.aggregate.empty(); },
                            +[](const Row& row) { return row.aggregate == "median"; },
                            +[](const Row& row) { return row.aggregate == "mean"; }}) {
    Repetitions some = Only(all, chosen);
    if (!some.empty()) return some;
  }
  return {};
}

Row MergedRow(const Repetitions& group) {
  const Repetitions good = Only(group, [](const Row& row) { return row.error.empty(); });
  if (good.empty()) return *group.front();
  Row merged = *good.front();
  merged.aggregate.clear();
  std::vector<double> times;
  std::map<std::string, std::vector<double>> counters;
  for (const Row* row : good) {
    times.push_back(row->time_s);
    for (const auto& [name, value] : row->counters) counters[name].push_back(value);
  }
  merged.time_s = Median(times).value_or(0);
  for (const auto& [name, values] : counters) {
    merged.counters[name] = name == "unsteady" ? *std::max_element(values.begin(), values.end())
                                               : Median(values).value_or(0);
  }
  return merged;
}

}  // namespace

std::vector<Row> MergeRepetitions(std::span<const Row> rows) {
  std::vector<std::string> order;
  std::map<std::string, Repetitions> groups;
  for (const Row& row : rows) {
    Repetitions& group = groups[row.name];
    if (group.empty()) order.push_back(row.name);
    group.push_back(&row);
  }
  std::vector<Row> merged;
  for (const std::string& name : order) {
    const Repetitions group = Representing(groups[name]);
    if (!group.empty()) merged.push_back(MergedRow(group));
  }
  return merged;
}

}  // namespace wattline::roofline
