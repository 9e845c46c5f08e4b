// Counters that make chips of different size comparable: what of its own limits a row reaches, and
// what it does per watt and per GB/s.
#pragma once

#include "roofline/result.h"

namespace wattline::roofline {

// Adds to each row, where its inputs are there:
//   roof_share         of what the machine attains at the row's intensity: the larger of FLOP/s
//   over
//                      the measured peak and byte/s over the measured read bandwidth (the file's
//                      own ceilings; rows of its own fixture `ceiling` where the context has none)
//   tok/s/W            tok/s over watts = tokens per joule
//   tok/s per GB/s     tok/s over the measured read bandwidth in GB/s
//   J/input_token      joules per token of a prefill row
//   J/output_token     joules per token of a decode row
// and to each decode row with a prefill row of the same model, format and backend:
//   output_input_J     J/output_token over J/input_token
void AddNormalised(Results& results);

}  // namespace wattline::roofline
