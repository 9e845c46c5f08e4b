// Which runs stand in which cell: rows of files sorted into keys and columns. For compare*.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/result.h"

namespace wattline::roofline {

// A row and the file that it is of, an index.
struct Run {
  const Row* row = nullptr;
  size_t file = 0;
};

struct CellRuns {
  std::vector<Run> runs;
  std::vector<Run> aggregates;  // used for files without runs
  std::vector<Run> failed;
};

struct KeyRows {
  std::string key;
  std::string fixture;          // empty for foreign names
  std::string part;             // as in CompareRow
  std::vector<CellRuns> cells;  // [columns]
};

struct Layout {
  std::vector<CompareColumn> columns;
  std::vector<std::vector<size_t>> files;  // [columns], indices of the results
  size_t baseline = 0;
  std::vector<KeyRows> keys;  // in order of first appearance
  std::vector<std::string> warnings;
  std::string error;  // then nothing else counts
};

// Points into `files`.
Layout LayOut(std::span<const Results> files, const CompareOptions& options);

}  // namespace wattline::roofline
