// Labels of columns, and the one that a user names. For compare*.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/result.h"

namespace wattline::roofline {

// `parts` [columns]: what of rows' names the column is made of. Where labels are alike, what
// differs is added: chip, GPU, program, commit, files; else numbers. No column is without a file.
void SetLabels(std::span<const Results> files, const std::vector<std::vector<size_t>>& column_files,
               const std::vector<std::string>& parts, bool by_file,
               std::vector<CompareColumn>& columns);

// By its label, else by the path or name of a file that only one column has. The error says what
// there is.
struct FoundColumn {
  size_t index = 0;
  std::string error;
};
FoundColumn FindColumn(std::span<const Results> files,
                       const std::vector<std::vector<size_t>>& column_files,
                       const std::vector<CompareColumn>& columns, const std::string& name);

}  // namespace wattline::roofline
