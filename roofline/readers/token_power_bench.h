// Reader of TokenPowerBench's results.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kTokenPowerBench;

}  // namespace wattline::roofline
