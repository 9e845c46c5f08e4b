// Hand-made results files for the tests of the lint's rules.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "roofline/lint.h"

namespace wattline::roofline {

inline Row LintRow(const std::string& name, std::map<std::string, double> counters,
                   double time_s = 0) {
  Row row;
  row.name = name;
  row.address = ParseAddress(name);
  row.time_s = time_s;
  row.counters = std::move(counters);
  return row;
}

// A CPU of 400 f32 GFLOP/s and 40 GB/s with 2 threads.
inline Results LintResults(std::vector<Row> rows) {
  Results results;
  results.path = "results/chip.json";
  results.machine.chip = "chip";
  results.machine.threads = 2;
  results.machine.ceilings = {{"f32", 400e9}, {"bf16", 400e9}, {"int8", 1600e9}, {"read", 40e9}};
  results.rows = std::move(rows);
  return results;
}

inline Claim MakeClaim(std::string what, double value, std::string unit) {
  Claim claim;
  claim.what = std::move(what);
  claim.value = value;
  claim.unit = std::move(unit);
  claim.where = "README";
  return claim;
}

inline std::string PublishedFile(const std::string& file) {
  std::ifstream in(WATTLINE_SOURCE_DIR "/tools/reference/published/" + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
inline VendorFigures Vendors() {
  return {ParseGpus(PublishedFile("gpus.csv")), ParseDensePeaks(PublishedFile("dense_peaks.csv"))};
}

inline std::vector<Finding> LintOf(const std::vector<Results>& files,
                                   const std::vector<Claim>& claims = {},
                                   const KnownWorkOf& known = {}, const Fit* fit = nullptr) {
  return Lint({files, fit, claims, known, Vendors()}).findings;
}
inline std::vector<Finding> LintOf(const Results& file, const std::vector<Claim>& claims = {},
                                   const KnownWorkOf& known = {}, const Fit* fit = nullptr) {
  return LintOf(std::vector<Results>{file}, claims, known, fit);
}

// "rule where; rule where", in the order of the findings.
inline std::string RulesOf(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += (text.empty() ? "" : "; ") + one.rule + " " + one.where;
  }
  return text;
}

}  // namespace wattline::roofline
