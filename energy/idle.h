// Power of the machine while this process does nothing.
#pragma once

#include <optional>

#include "energy/bound.h"
#include "energy/sampler.h"

namespace wattline::energy {

// Watts of the total's domains and their bound, over a stretch of sleep: 0.2 s, or 3 ticks of the
// slowest meter up to 4 s. What ran before has 50 ms to settle. Absent where the meters give none.
struct IdlePower {
  double watts = 0;
  double err_w = 0;
};
std::optional<IdlePower> MeasureIdle(Sampler& sampler);

}  // namespace wattline::energy
