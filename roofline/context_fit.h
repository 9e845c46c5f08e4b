// A machine's limits without a sweep: the ceilings that the context of a results file tells.
#pragma once

#include "roofline/fit.h"
#include "roofline/result.h"

namespace wattline::roofline {

// Straight roofs of the CPU under DRAM, one per number format that has a ceiling, with intervals of
// no width. None where the context has no read ceiling or no peak.
MachineFit ContextFit(const Results& results);

// The machine of the fit that the file was measured on: the same chip_slug, or where one of them
// has none, the same chip. Null where there is none.
const MachineFit* FindMachine(const Fit& fit, const Machine& machine);

}  // namespace wattline::roofline
