// Judged rows as a table.
#pragma once

#include <span>

#include "roofline/judge.h"
#include "tools/text_table.h"

namespace wattline::tools {

// For people the columns that a row's name holds are left out, and the chip's where all rows are of
// one; for programs all are there. Shares are numbers of 0 to 1 in CSV and JSON.
TextTable JudgedTable(std::span<const roofline::Judged> rows, TableFormat format);

}  // namespace wattline::tools
