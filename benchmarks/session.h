// One run of `bench`, from the command line to the exit code.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/flags.h"
#include "energy/meter_options.h"

namespace wattline::benchmarks {

// Where --meter_root says that meters' files are.
energy::MeterOptions MeterOptionsOf(const Flags& flags);

// `root` has the folder results/. Exit codes: 0 done, 1 a failure named on standard error (a file
// that cannot be read, a row that ended in an error), 2 wrong usage.
int RunSession(const Flags& flags, const std::string& root);

}  // namespace wattline::benchmarks
