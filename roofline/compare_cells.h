// Samples of a counter from the runs of a cell, and what to say of them. For compare*.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/compare_layout.h"
#include "roofline/statistics.h"

namespace wattline::roofline {

// The runs that count: of each file its runs, else its median, else its mean.
struct ChosenRuns {
  std::vector<Run> runs;
  std::string remark;  // of all counters: "2 of 5 runs failed: ...", "published: ..."
  bool unsteady = false;
};
ChosenRuns ChooseRuns(const CellRuns& cell, std::span<const Results> files);

// Absent where no run has the counter. "time_s" is the row's own time.
std::optional<CompareCell> CellOf(const ChosenRuns& chosen, const Metric& metric,
                                  MedianBootstrap& bootstrap);

// Counters that any of the runs has, "time_s" first.
void AddCounters(const ChosenRuns& chosen, std::vector<std::string>& counters);

}  // namespace wattline::roofline
