// Geometric means of ratios over the rows that two columns have. For compare*.cc.
#pragma once

#include <vector>

#include "roofline/compare.h"

namespace wattline::roofline {

// Per fixture, and over all where there are several, for each ranked metric and column but the
// baseline, in the order of the rows.
std::vector<CompareSummary> Summarise(const Comparison& comparison, const CompareOptions& options);

}  // namespace wattline::roofline
