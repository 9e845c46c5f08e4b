#include "energy/perf_power.h"

namespace wattline::energy {

// Perf events are Linux' own.
PerfOpener SystemPerf() { return nullptr; }

}  // namespace wattline::energy
