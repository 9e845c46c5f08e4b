#include <algorithm>
#include <fstream>
#include <string>

#include "benchmarks/memory.h"

namespace wattline::benchmarks {
namespace {

// The number behind `key` in files such as /proc/meminfo, which counts in kB of 1024 bytes.
std::optional<double> KibValue(const char* path, const std::string& key) {
  std::ifstream in(path);
  std::string word;
  while (in >> word) {
    double kib = 0;
    if (word == key && in >> kib) return kib * 1024;
  }
  return std::nullopt;
}

std::optional<double> NumberOfFile(const char* path) {
  std::ifstream in(path);
  double value = 0;
  if (in >> value) return value;
  return std::nullopt;  // "max": no limit
}

}  // namespace

std::optional<double> AvailableByte() {
  std::optional<double> available = KibValue("/proc/meminfo", "MemAvailable:");
  const std::optional<double> limit = NumberOfFile("/sys/fs/cgroup/memory.max");
  const std::optional<double> used = NumberOfFile("/sys/fs/cgroup/memory.current");
  if (available && limit && used) available = std::min(*available, std::max(0.0, *limit - *used));
  return available;
}

std::optional<double> ResidentByte() { return KibValue("/proc/self/status", "VmRSS:"); }

std::optional<double> PeakResidentByte() { return KibValue("/proc/self/status", "VmHWM:"); }

std::optional<double> HugeShare() {
  constexpr const char* kRollup = "/proc/self/smaps_rollup";
  const std::optional<double> all = KibValue(kRollup, "Anonymous:");
  const std::optional<double> huge = KibValue(kRollup, "AnonHugePages:");
  if (!all || !huge || !(*all > 0)) return std::nullopt;
  return *huge / *all;
}

// proc(5): 5 written to clear_refs resets the peak resident set size to the current one.
void ResetPeakResident() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace wattline::benchmarks
