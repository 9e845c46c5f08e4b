// Reader of what mlx_lm.benchmark prints.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kMlxLm;

}  // namespace wattline::roofline
