// Results for tests of comparisons, a row at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/result.h"

namespace wattline::roofline {

using Counters = std::map<std::string, double>;

inline Results FileOf(const std::string& path, const std::string& chip) {
  Results results;
  results.path = path;
  results.tool = "bench";
  results.machine.chip = chip;
  return results;
}

inline Row& AddRun(Results& results, const std::string& name, const Counters& counters,
                   double time_s = 0) {
  Row row;
  row.name = name;
  row.address = ParseAddress(name);
  row.time_s = time_s;
  row.counters = counters;
  results.rows.push_back(row);
  return results.rows.back();
}

inline void AddRuns(Results& results, const std::string& name, const std::string& counter,
                    const std::vector<double>& values) {
  for (double value : values) AddRun(results, name, {{counter, value}});
}

inline std::vector<std::string> LabelsOf(const Comparison& comparison) {
  std::vector<std::string> labels;
  for (const CompareColumn& column : comparison.columns) labels.push_back(column.label);
  return labels;
}

// Null where there is none.
inline const CompareRow* FindRow(const Comparison& comparison, const std::string& key,
                                 const std::string& counter) {
  for (const CompareRow& row : comparison.rows) {
    if (row.key == key && row.metric.counter == counter) return &row;
  }
  return nullptr;
}

inline bool AnyHas(const std::vector<std::string>& texts, const std::string& part) {
  for (const std::string& text : texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace wattline::roofline
