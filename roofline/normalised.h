// Counters that make chips of different size comparable: what of its own limits a row reaches, and
// what it does per watt and per GB/s.
#pragma once

#include "roofline/result.h"

namespace wattline::roofline {

// Adds to each row, where its inputs are there:
//   roof_share        what it reaches of what the machine attains at its intensity: the larger of
//                     FLOP/s over the measured peak and byte/s over the measured read bandwidth, of
//                     the format, backend and level that the row is held against (stand.h). They
//                     are those of the file's rows of fixture `ceiling`, else of its context.
//                     Absent above 1.05: that disproves the ceiling or tells of a cache.
//   tok/s/W           tok/s over watts = tokens per joule
//   tok/s per GB/s    tok/s over that read bandwidth in GB/s
//   J/input_token     joules per token of a prefill row
//   J/output_token    joules per token of a decode row (case ctx)
// and to each decode row with prefill rows of the same model, format, backend and other cases:
//   output_input_J    J/output_token over the median J/input_token of the longest prompt's rows
void AddNormalised(Results& results);

}  // namespace wattline::roofline
