#include "benchmarks/topology.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace wattline::benchmarks {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<int64_t> IntegerIn(std::string_view text) {
  int64_t value = 0;
  const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc()) return std::nullopt;
  if (stop != text.data() + text.size() && *stop == 'K') return value * 1024;
  if (stop != text.data() + text.size() && *stop == 'M') return value * 1024 * 1024;
  return value;
}

// Each CPU's rank. Intel's hybrid chips list their kinds as devices; elsewhere the kernel's
// capacity tells (1024 for the fastest).
std::map<int, int> RanksOf(const fs::path& devices, const std::vector<int>& cpus) {
  std::map<int, int> ranks;
  int rank = 0;
  for (const char* kind : {"cpu_core", "cpu_atom", "cpu_lowpower"}) {
    const std::vector<int> list = ParseCpuList(FirstLine(devices / kind / "cpus"));
    for (const int cpu : list) ranks[cpu] = rank;
    if (!list.empty()) ++rank;
  }
  if (!ranks.empty()) return ranks;
  std::map<int, int64_t> capacity;
  for (const int cpu : cpus) {
    const fs::path file = devices / "system/cpu" / ("cpu" + std::to_string(cpu)) / "cpu_capacity";
    if (const auto value = IntegerIn(FirstLine(file))) capacity[cpu] = *value;
  }
  std::vector<int64_t> sorted;
  for (const auto& [cpu, value] : capacity) sorted.push_back(value);
  std::sort(sorted.rbegin(), sorted.rend());
  // Cores of one kind differ by a few percent where some may clock higher than others.
  constexpr double kSameKind = 0.85;
  std::vector<int64_t> fastest;  // of each kind
  for (const int64_t value : sorted) {
    if (fastest.empty() ||
        static_cast<double>(value) < kSameKind * static_cast<double>(fastest.back())) {
      fastest.push_back(value);
    }
  }
  for (const auto& [cpu, value] : capacity) {
    int r = 0;
    while (static_cast<double>(value) <
           kSameKind * static_cast<double>(fastest[static_cast<size_t>(r)])) {
      ++r;
    }
    ranks[cpu] = r;
  }
  return ranks;
}

std::string SmallType(const std::string& type) {
  if (type == "Data") return "data";
  if (type == "Instruction") return "instruction";
  return "unified";
}

}  // namespace

std::vector<int> ParseCpuList(std::string_view text) {
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    int first = 0;
    auto [stop, fault] = std::from_chars(at, end, first);
    if (fault != std::errc()) break;
    int last = first;
    if (stop != end && *stop == '-') {
      std::tie(stop, fault) = [&] {
        const auto r = std::from_chars(stop + 1, end, last);
        return std::make_tuple(r.ptr, r.ec);
      }();
      if (fault != std::errc() || last < first || last - first > 65536) break;
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (stop == end || *stop != ',') break;
    at = stop + 1;
  }
  return cpus;
}

std::string KindOfRank(int rank, int ranks) {
  if (rank == 0) return "performance";
  return rank == ranks - 1 ? kEfficiencyCores : "middle";
}

Topology SysfsTopology(const fs::path& root) {
  const fs::path devices = root / "sys/devices";
  const fs::path system = devices / "system/cpu";
  const std::vector<int> online = ParseCpuList(FirstLine(system / "online"));
  const std::map<int, int> rank_of = RanksOf(devices, online);
  const auto rank = [&rank_of](int cpu) {
    const auto found = rank_of.find(cpu);
    return found == rank_of.end() ? 0 : found->second;
  };
  int ranks = 1;
  for (const auto& [cpu, r] : rank_of) ranks = std::max(ranks, r + 1);

  Topology topology;
  std::set<int> placed;
  // (level, type, kind, bytes, sharers) -> the sets of CPUs that have one.
  std::map<std::tuple<int, std::string, std::string, int64_t, int>, std::set<std::vector<int>>>
      caches;
  for (const int cpu : online) {
    const fs::path folder = system / ("cpu" + std::to_string(cpu));
    if (placed.count(cpu) == 0) {
      // "core_cpus_list" is the newer name (Linux 5.3).
      std::vector<int> siblings = ParseCpuList(FirstLine(folder / "topology/core_cpus_list"));
      if (siblings.empty()) {
        siblings = ParseCpuList(FirstLine(folder / "topology/thread_siblings_list"));
      }
      if (siblings.empty()) siblings = {cpu};
      placed.insert(siblings.begin(), siblings.end());
      topology.cores.push_back({rank(cpu), siblings});
    }
    for (int index = 0;; ++index) {
      const fs::path cache = folder / "cache" / ("index" + std::to_string(index));
      const std::optional<int64_t> level = IntegerIn(FirstLine(cache / "level"));
      if (!level) break;
      const std::optional<int64_t> byte = IntegerIn(FirstLine(cache / "size"));
      if (!byte) continue;
      const std::vector<int> sharers = ParseCpuList(FirstLine(cache / "shared_cpu_list"));
      // A cache of all kinds of cores counts for the fastest one.
      int best = rank(cpu);
      for (const int sharer : sharers) best = std::min(best, rank(sharer));
      caches[{static_cast<int>(*level), SmallType(FirstLine(cache / "type")),
              KindOfRank(best, ranks), *byte,
              static_cast<int>(std::max<size_t>(1, sharers.size()))}]
          .insert(sharers.empty() ? std::vector<int>{cpu} : sharers);
    }
  }
  for (const auto& [sort, sets] : caches) {
    const auto& [level, type, kind, byte, cpus] = sort;
    topology.caches.push_back({level, type, kind, byte, static_cast<int>(sets.size()), cpus});
  }
  return topology;
}

std::vector<CoreKind> CoreKindsOf(const Topology& topology, const std::vector<int>& allowed) {
  const auto is_allowed = [&allowed](int cpu) {
    return std::find(allowed.begin(), allowed.end(), cpu) != allowed.end();
  };
  int ranks = 1;
  for (const Core& core : topology.cores) ranks = std::max(ranks, core.rank + 1);
  std::vector<CoreKind> kinds;
  for (int rank = 0; rank < ranks; ++rank) {
    CoreKind kind;
    kind.name = KindOfRank(rank, ranks);
    kind.by_default = rank == 0;
    for (const Core& core : topology.cores) {
      if (core.rank != rank) continue;
      ++kind.physical;
      kind.logical += static_cast<int>(core.cpus.size());
      const auto first = std::find_if(core.cpus.begin(), core.cpus.end(), is_allowed);
      if (first != core.cpus.end()) kind.cpus.push_back(*first);
    }
    kind.usable = static_cast<int>(kind.cpus.size());
    if (kind.physical > 0) kinds.push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace wattline::benchmarks
