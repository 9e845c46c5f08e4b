// What report and lint read: results files, a fit, claims; and the lint over them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/lint.h"
#include "roofline/result.h"

namespace wattline::tools {

struct JudgedFiles {
  std::optional<roofline::Fit> fit;  // read, or made from ceiling rows of the results
  std::vector<roofline::Results> results;
  std::vector<roofline::Claim> claims;
  std::string error;  // one sentence; then the rest is of no use
};

// `paths` are results files and at most one fit, told apart by their content; `fit_path` and
// `claims_path` may be empty.
JudgedFiles ReadJudged(const std::vector<std::string>& paths, const std::string& fit_path,
                       const std::string& claims_path);

// The file's machine in the fit; without one there, the ceilings of the file's own context.
roofline::MachineFit MachineOf(const JudgedFiles& files, const roofline::Results& results);

roofline::LintResult LintJudged(const JudgedFiles& files);

}  // namespace wattline::tools
