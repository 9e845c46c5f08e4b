// The meters of this process and their sampler, for programs that have no flags of ours.
#pragma once

#include "energy/meters.h"
#include "energy/sampler.h"

namespace wattline::energy {

// Chooses the meters at the first call, by the environment: WATTLINE_ENERGY as --energy (default
// auto), WATTLINE_METER_ROOT as --meter_root. Says on stderr in one line what measures, or why
// nothing does. Null where nothing does. Lives as long as the program.
Sampler* ProcessSampler();

}  // namespace wattline::energy
