// In what the columns' contexts differ, and what of it forbids to take a ratio at its word. For
// compare*.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "roofline/compare.h"
#include "roofline/compare_layout.h"
#include "roofline/result.h"

namespace wattline::roofline {

// Probes of two files of one chip and thread count further apart than this found the machine in
// different states.
inline constexpr double kOtherRegime = 1.5;

// Sets `differences` and adds to `warnings`; `rows` are there already.
void FindDifferences(std::span<const Results> files, const Layout& layout,
                     const CompareOptions& options, Comparison& comparison);

}  // namespace wattline::roofline
