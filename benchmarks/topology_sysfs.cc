// Chosen by CMake where the program is built without hwloc.
#include "benchmarks/topology.h"

namespace wattline::benchmarks {

Topology SystemTopology() { return SysfsTopology("/"); }

}  // namespace wattline::benchmarks
