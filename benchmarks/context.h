// The facts about this machine and this program that go into every results file. Never a host's or
// a user's name, nor an address. What the system does not tell is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wattline::benchmarks {

// Cores of one kind, the fastest kind first.
struct CoreKind {
  std::string name;  // "performance", "efficiency", "middle", or the system's own, in small letters
  int physical = 0;  // cores of the machine
  int logical = 0;   // hardware threads of them
  bool by_default = true;  // they do the work unless others are asked for
  int usable = 0;          // those of `physical` that this process may use
  // One logical CPU of each usable core, for pinning; empty where the system binds no threads.
  std::vector<int> cpus = {};
};

// The name of the kind that draws the least power, where a machine has more than one.
inline constexpr const char* kEfficiencyCores = "efficiency";

// Caches of the same sort. What the system believes; the ceiling fixture measures.
struct Cache {
  int level = 0;
  std::string type;  // "data", "instruction" or "unified"
  std::string kind;  // of the cores that it serves
  int64_t byte = 0;  // of one
  int count = 0;     // how many there are
  int cpus = 0;      // logical CPUs that share one
};

struct SystemFacts {
  std::string chip;       // as the CPU names itself: "Intel(R) Xeon(R) Processor"
  std::string chip_slug;  // for file names: "intel-xeon-processor-f6m207"
  std::optional<std::string> vendor;
  std::optional<int>
      family;  // x86: the numbers that tell chips apart whose name a hypervisor hides
  std::optional<int> model;
  std::optional<int> stepping;
  std::optional<std::string> machine;  // Apple's model identifier: "Mac14,14"

  std::vector<CoreKind> cores;
  std::vector<Cache> caches;
  std::optional<int> physical_cores;   // told where kinds are not
  std::optional<double> granted_cpus;  // the control group's share of CPU time, in CPUs

  std::optional<int64_t> memory_byte;
  std::optional<std::string> os;      // "Debian GNU/Linux 12 (bookworm)"
  std::optional<std::string> kernel;  // its release
  std::optional<bool> virtual_machine;

  std::optional<std::string> governor;     // of CPU 0's clock
  std::optional<double> highest_clock_hz;  // as the driver believes
  std::optional<bool> turbo;
  std::optional<double> hottest_celsius;    // the hottest thermal zone, now
  std::optional<std::string> power_source;  // "mains", "battery" or "ups", now
  // Macs only.
  std::optional<int64_t> gpu_cores;
  std::optional<bool> low_power_mode;           // now
  std::optional<std::string> thermal_pressure;  // "nominal", "moderate", "heavy" ..., now
};

// Asks the system. Call it before any thread is pinned: it looks at what the process may use.
SystemFacts FindSystemFacts();

// Letters, digits and single dashes of a chip's name; "(R)", "(TM)" and core counts are dropped. A
// name without a number says little (a hypervisor hid it): family and model are added then.
std::string ChipSlug(const std::string& chip, std::optional<int> family, std::optional<int> model);

}  // namespace wattline::benchmarks
