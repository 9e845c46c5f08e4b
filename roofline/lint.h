// Physics lint: rows and claims that cannot be true, or that say something else than they seem to.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/claims.h"
#include "roofline/fit.h"
#include "roofline/result.h"
#include "roofline/vendor_figures.h"

namespace wattline::roofline {

struct Finding {
  std::string rule;   // "above-roof"; the list stands in lint_rules.h
  std::string file;   // without its folder
  std::string where;  // the row, or what is claimed and where
  std::string what;   // one sentence with the numbers
  std::string remedy;
  std::vector<std::string> also;  // further rows of which the same is true, not told one by one
};

// What is known of a row's work from its shape alone, of one iteration. Made in tools/known_work.h
// from the laws in kernels/, which this folder does not know; absent where a law does not apply.
struct KnownWork {
  std::optional<double> flop;
  std::optional<double> byte;             // compulsory
  std::optional<double> flop_not_causal;  // with every query against every position
  std::optional<double> tokens;
  std::optional<double> weight_byte;  // of the whole model
};
using KnownWorkOf = std::function<KnownWork(const Row&)>;

struct LintInput {
  std::span<const Results> files;
  const Fit* fit = nullptr;       // null: the ceilings in each file's context
  std::span<const Claim> claims;  // beside those in the files' contexts
  KnownWorkOf known_work;         // may be empty
  VendorFigures vendors;          // may be empty
};

struct LintResult {
  std::vector<Finding> findings;
  std::string error;  // why claims cannot be read: one sentence; then there are no findings
};

LintResult Lint(const LintInput& input);

}  // namespace wattline::roofline
