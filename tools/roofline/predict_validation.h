// Predictions beside published figures that had no part in them.
#pragma once

#include "tools/text_table.h"

namespace wattline::tools {

// A row for each published speed, predicted from the rows of other generations; in text and
// Markdown followed by the errors of each format, what calibrated what, and the figures of other
// programs that nothing was fitted to.
std::string RenderValidation(TableFormat format);

}  // namespace wattline::tools
