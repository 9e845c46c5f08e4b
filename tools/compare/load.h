// What `compare` reads: results of any known program, split by device, with normalised counters.
#pragma once

#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/lint.h"
#include "roofline/result.h"

namespace wattline::tools {

struct LoadedFiles {
  std::vector<roofline::Results> results;
  std::vector<std::string> remarks;  // what readers left out
  std::string error;                 // one sentence; then the rest is of no use
};

LoadedFiles LoadResults(const std::vector<std::string>& paths);

// All files hold rows of the same chips, measured by the same program: runs of one machine.
bool AreRunsOfOneMachine(const std::vector<roofline::Results>& results);

// Parts of one file that SplitByDevice made are one again: where a file is a column.
std::vector<roofline::Results> JoinDevices(std::vector<roofline::Results> results);

// Roofs come from the files' own ceiling rows, else from their contexts.
roofline::LintResult LintFiles(const std::vector<roofline::Results>& results);

}  // namespace wattline::tools
