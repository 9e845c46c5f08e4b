// Rows of fixture `decode` as predictions are calibrated with.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "roofline/fit.h"
#include "roofline/result.h"

namespace wattline::roofline {

// `rows` have repetitions merged (MergeRepetitions). Rows of other fixtures are passed over; those
// of decode that lack a figure are told in `remarks`.
std::vector<ModelRow> ModelRowsOf(std::span<const Row> rows, int threads,
                                  std::vector<std::string>& remarks);

}  // namespace wattline::roofline
