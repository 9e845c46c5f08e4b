// Findings of the lint as text.
#pragma once

#include <span>
#include <string>

#include "roofline/lint.h"
#include "tools/text_table.h"

namespace wattline::tools {

// For people (kTable, kMarkdown): a count, then each finding with its remedy. For programs: the
// table of rule, file, where, what, remedy and also; JSON is an array, empty where there are none.
std::string FindingsText(std::span<const roofline::Finding> findings, TableFormat format);

}  // namespace wattline::tools
