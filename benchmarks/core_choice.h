// Which cores the threads run on, and how they get there.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/context.h"
#include "kernels/cpu/pin.h"

namespace wattline::benchmarks {

// --cores. kPerformance: the kinds that do the work by default.
enum class Cores { kPerformance, kEfficiency, kAll };

struct CoreChoice {
  std::vector<std::string> kinds;  // names of those that are used; empty where none are told
  int threads = 1;                 // one for each such core, within the control group's share
  std::vector<int> cpus;           // one of each such core; empty where the system binds no threads
  // What threads ask for where the system binds none.
  kernels::ThreadClass thread_class = kernels::ThreadClass::kUnset;
  // One sentence where the machine has no such cores, or none that this process may use.
  std::string why_not;
};

// Where none of the default kinds may be used (taskset), the others do the work.
CoreChoice ChooseCores(const SystemFacts& facts, Cores cores);

// Keeps the calling thread, and those it starts, on the chosen efficiency cores, whether or not
// each thread gets a core of its own later. One sentence where the system refuses.
std::string ConfineToEfficiency(const CoreChoice& choice);

}  // namespace wattline::benchmarks
