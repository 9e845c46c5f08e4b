// Repetitions of a row as one row.
#pragma once

#include <span>
#include <vector>

#include "roofline/result.h"

namespace wattline::roofline {

// One row per name, in the order of their first appearance: time and each counter are the median of
// the runs that have them; unsteady where any run is. A file that keeps only aggregates gives its
// medians, else its means. A row whose runs all failed keeps the first one's error.
std::vector<Row> MergeRepetitions(std::span<const Row> rows);

}  // namespace wattline::roofline
