// Reader of taneja-rohit/mac-ml-benchmark's raw JSON.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kMacMlBenchmark;

}  // namespace wattline::roofline
