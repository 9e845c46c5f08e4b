// Chosen by CMake where hwloc is installed: it knows more systems' oddities than our own reader.
#include <hwloc.h>

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "benchmarks/topology.h"

namespace wattline::benchmarks {
namespace {

struct Destroy {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Handle = std::unique_ptr<hwloc_topology, Destroy>;

Handle Load() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return nullptr;
  Handle handle(topology);
  // What the machine has, not only what this process may use.
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (hwloc_topology_load(topology) != 0) return nullptr;
  return handle;
}

std::vector<int> CpusOf(hwloc_const_bitmap_t set) {
  std::vector<int> cpus;
  for (int cpu = hwloc_bitmap_first(set); cpu >= 0; cpu = hwloc_bitmap_next(set, cpu)) {
    cpus.push_back(cpu);
  }
  return cpus;
}

// hwloc orders kinds by efficiency: the highest number is the fastest.
int Kinds(hwloc_topology_t topology) { return std::max(1, hwloc_cpukinds_get_nr(topology, 0)); }
int RankOf(hwloc_topology_t topology, hwloc_const_bitmap_t set) {
  const int kinds = Kinds(topology);
  int best = kinds - 1;
  bool found = false;
  for (const int cpu : CpusOf(set)) {
    const std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)> one(hwloc_bitmap_alloc(),
                                                                            hwloc_bitmap_free);
    hwloc_bitmap_only(one.get(), static_cast<unsigned>(cpu));
    const int kind = hwloc_cpukinds_get_by_cpuset(topology, one.get(), 0);
    if (kind < 0) continue;
    best = std::min(best, kinds - 1 - kind);
    found = true;
  }
  return found ? best : 0;
}

}  // namespace

Topology SystemTopology() {
  const Handle handle = Load();
  if (!handle) return SysfsTopology("/");
  hwloc_topology* const from = handle.get();
  const int kinds = Kinds(from);
  Topology topology;
  for (hwloc_obj_t core = nullptr;
       (core = hwloc_get_next_obj_by_type(from, HWLOC_OBJ_CORE, core)) != nullptr;) {
    topology.cores.push_back({RankOf(from, core->cpuset), CpusOf(core->cpuset)});
  }
  if (topology.cores.empty()) return SysfsTopology("/");

  std::map<std::tuple<int, std::string, std::string, int64_t, int>, int> caches;
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L3CACHE,
                                      HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2ICACHE}) {
    for (hwloc_obj_t cache = nullptr;
         (cache = hwloc_get_next_obj_by_type(from, type, cache)) != nullptr;) {
      const auto& a = cache->attr->cache;
      if (a.size == 0) continue;
      const char* const sort = a.type == HWLOC_OBJ_CACHE_DATA          ? "data"
                               : a.type == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction"
                                                                       : "unified";
      ++caches[{static_cast<int>(a.depth), sort, KindOfRank(RankOf(from, cache->cpuset), kinds),
                static_cast<int64_t>(a.size), hwloc_bitmap_weight(cache->cpuset)}];
    }
  }
  for (const auto& [sort, count] : caches) {
    const auto& [level, type, kind, byte, cpus] = sort;
    topology.caches.push_back({level, type, kind, byte, count, cpus});
  }
  return topology;
}

}  // namespace wattline::benchmarks
