// The list of fixtures.
#pragma once

#include "benchmarks/suite.h"

namespace wattline::benchmarks {

// Registers every fixture's rows. A new fixture is one line in fixtures.cc.
void RegisterAll(Suite& suite);

}  // namespace wattline::benchmarks
