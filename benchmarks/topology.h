// Cores and caches of a Linux machine.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/context.h"

namespace wattline::benchmarks {

// A physical core. Numbers of CPUs are the system's.
struct Core {
  int rank = 0;           // of its kind; 0 is the fastest
  std::vector<int> cpus;  // its hardware threads, ascending
};

struct Topology {
  std::vector<Core> cores;  // all that are online, by their first CPU
  std::vector<Cache> caches;
};

// From the files under <root>/sys/devices.
Topology SysfsTopology(const std::filesystem::path& root);

// hwloc's answer for this machine where the program was built with it, else the one above.
Topology SystemTopology();

// "0-3,8" -> 0 1 2 3 8. Stops at what it does not understand.
std::vector<int> ParseCpuList(std::string_view text);

// "performance", "efficiency", and "middle" for what lies between.
std::string KindOfRank(int rank, int ranks);

// Kinds with their usable cores: those of which a CPU is allowed. The fastest does the work.
std::vector<CoreKind> CoreKindsOf(const Topology& topology, const std::vector<int>& allowed);

}  // namespace wattline::benchmarks
