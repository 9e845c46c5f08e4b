// A fit as tables for people and for programs.
#pragma once

#include <string>

#include "roofline/fit.h"
#include "tools/text_table.h"

namespace wattline::tools {

// Roofs, levels, energy coefficients and what was not used. CSV has the roofs only, with their
// energy coefficients in the same row; JSON is one object with a list of each.
std::string FitTables(const roofline::Fit& fit, TableFormat format);

}  // namespace wattline::tools
