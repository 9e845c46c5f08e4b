// RAPL through Linux' powercap files: energy of the CPU packages and of their memory.
#pragma once

#include <filesystem>

#include "energy/clock.h"
#include "energy/file_text.h"
#include "energy/meter.h"

namespace wattline::energy {

struct PowercapOptions {
  std::filesystem::path root = "/";  // the files are under <root>/sys/class/powercap
  FileReader read = ReadFileText;
  Clock* clock = &RealClock();
};

// Domains: "cpu", the sum of all packages, and "dram", the sum of their memories, where there are
// any. core and uncore are parts of a package and psys contains it: they are not summed, so not
// read.
Opened OpenPowercap(const PowercapOptions& options);

}  // namespace wattline::energy
