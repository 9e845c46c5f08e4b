// Reader of Google Benchmark's JSON, that of `bench` included.
#pragma once

#include "roofline/readers/reader.h"

namespace wattline::roofline {

extern const Reader kGoogleBenchmark;

}  // namespace wattline::roofline
