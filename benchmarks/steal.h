// CPU time that the hypervisor gave to others while this machine wanted to run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wattline::benchmarks {

// Since boot, summed over all CPUs, in kernel ticks.
struct CpuTicks {
  uint64_t total = 0;
  uint64_t stolen = 0;
};

// Absent where the system counts no stolen time (macOS) or `path` has another form.
std::optional<CpuTicks> ReadCpuTicks(const std::string& path = "/proc/stat");

// Absent where either is, or where fewer than 20 ticks lie between them.
std::optional<double> StolenShare(const std::optional<CpuTicks>& from,
                                  const std::optional<CpuTicks>& to);

}  // namespace wattline::benchmarks
