#include "benchmarks/steal.h"

#include <fstream>

namespace wattline::benchmarks {
namespace {

constexpr uint64_t kFewestTicks = 20;

}  // namespace

// proc(5): "cpu user nice system idle iowait irq softirq steal guest guest_nice". Guest time is in
// user and nice already.
std::optional<CpuTicks> ReadCpuTicks(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  if (!(file >> word) || word != "cpu") return std::nullopt;
  CpuTicks ticks;
  for (int field = 0; field < 8; ++field) {
    uint64_t value = 0;
    if (!(file >> value)) return std::nullopt;
    ticks.total += value;
    ticks.stolen = value;
  }
  return ticks;
}

std::optional<double> StolenShare(const std::optional<CpuTicks>& from,
                                  const std::optional<CpuTicks>& to) {
  if (!from || !to || to->total < from->total + kFewestTicks || to->stolen < from->stolen) {
    return std::nullopt;
  }
  return static_cast<double>(to->stolen - from->stolen) /
         static_cast<double>(to->total - from->total);
}

}  // namespace wattline::benchmarks
