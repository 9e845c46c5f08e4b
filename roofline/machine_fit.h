// From rows of results files to the limits of their machines.
#pragma once

#include <cstdint>
#include <span>

#include "roofline/fit.h"
#include "roofline/result.h"

namespace wattline::roofline {

struct FitOptions {
  int resamples = 1000;  // of each bootstrap
  uint64_t seed = 1;     // the same files give the same fit
};

// Files of one chip (chip_slug, else chip) are one machine. Reads the rows of fixture `ceiling`:
// peak, read, levels and intensity; and those of `decode` as model rows.
Fit FitMachines(std::span<const Results> files, const FitOptions& options = {});

}  // namespace wattline::roofline
