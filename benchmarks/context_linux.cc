#include "benchmarks/linux_facts.h"

namespace wattline::benchmarks {

SystemFacts FindSystemFacts() { return LinuxFacts("/", SystemTopology()); }

}  // namespace wattline::benchmarks
