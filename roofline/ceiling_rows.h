// The rows of fixture `ceiling` of one chip, from all its files, sorted by what they measure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "roofline/fit.h"
#include "roofline/levels.h"
#include "roofline/result.h"

namespace wattline::roofline {

// Backend and threads: what has levels and roofs of its own.
struct BackendThreads {
  std::string backend;
  int threads = 1;
  bool operator<(const BackendThreads& other) const {
    return std::tie(backend, threads) < std::tie(other.backend, other.threads);
  }
};

// A rate, a value per run.
using Runs = std::vector<double>;

struct CeilingRows {
  // By format, FLOP/s.
  std::map<BackendThreads, std::map<std::string, Runs>> peaks;
  // By footprint per thread in byte, byte/s.
  std::map<BackendThreads, std::map<double, Runs>> reads;
  // Medians per footprint.
  std::map<BackendThreads, std::vector<SweepPoint>> levels;
  // By format and footprint per thread in byte; in order of intensity.
  std::map<BackendThreads, std::map<std::pair<std::string, double>, std::vector<IntensityPoint>>>
      sweeps;
  std::vector<std::string> remarks;  // rows that are not used and why
};

// Medians over the runs of a row, in all files. Runs of an intensity row that fail a gate count
// only where all do, and their point is then marked. Joules of other meters than the first file's
// are left out.
CeilingRows GatherCeilingRows(std::span<const Results* const> files);

// "name (scope)" of the meters that the file's joules are the sum of.
std::vector<std::string> MetersOf(const Machine& machine);

}  // namespace wattline::roofline
