#include "benchmarks/context_json.h"

namespace wattline::benchmarks {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
void Put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

// What a domain's energy is spent in, so that meters of different scope can be told apart.
Json PartsJson(energy::Parts parts) {
  Json names = Json::array();
  if (parts & energy::kCpuPart) names.push_back("cpu");
  if (parts & energy::kGpuPart) names.push_back("gpu");
  if (parts & energy::kDramPart) names.push_back("dram");
  if (parts & energy::kAnePart) names.push_back("ane");
  if (parts & energy::kRestPart) names.push_back("rest");
  return names;
}

}  // namespace

Json ContextJson(const SystemFacts& facts, const BuildInfo& build) {
  Json json;
  json["chip"] = facts.chip;
  json["chip_slug"] = facts.chip_slug;
  Put(json, "cpu_vendor", facts.vendor);
  Put(json, "cpu_family", facts.family);
  Put(json, "cpu_model", facts.model);
  Put(json, "cpu_stepping", facts.stepping);
  Put(json, "machine", facts.machine);
  json["core_kinds"] = Json::array();
  for (const CoreKind& kind : facts.cores) {
    json["core_kinds"].push_back(
        {{"name", kind.name}, {"physical", kind.physical}, {"logical", kind.logical}});
  }
  // Google Benchmark's own "caches" stay beside it: those of CPU 0 alone.
  json["cache_levels"] = Json::array();
  for (const Cache& cache : facts.caches) {
    json["cache_levels"].push_back({{"level", cache.level},
                                    {"type", cache.type},
                                    {"cores", cache.kind},
                                    {"byte", cache.byte},
                                    {"count", cache.count},
                                    {"shared_by_cpus", cache.cpus}});
  }
  Put(json, "gpu_cores", facts.gpu_cores);
  Put(json, "memory_byte", facts.memory_byte);
  Put(json, "os", facts.os);
  Put(json, "kernel", facts.kernel);
  Put(json, "virtual_machine", facts.virtual_machine);
  Put(json, "clock_governor", facts.governor);
  Put(json, "highest_clock_hz", facts.highest_clock_hz);
  Put(json, "turbo", facts.turbo);
  Put(json, "hottest_celsius", facts.hottest_celsius);
  Put(json, "power_source", facts.power_source);
  Put(json, "low_power_mode", facts.low_power_mode);
  Put(json, "thermal_pressure", facts.thermal_pressure);
  json["compiler"] = build.compiler;
  json["compiler_flags"] = build.flags;
  json["build_type"] = build.build_type;
  Put(json, "commit", build.commit);
  return json;
}

Json MetersJson(const energy::MeterSet& meters) {
  Json list = Json::array();
  for (const auto& meter : meters.meters) {
    const energy::MeterInfo& info = meter->info();
    Json json = {{"name", info.name}, {"kind", energy::KindName(info.kind)}};
    json["domains"] = Json::array();
    for (const energy::Domain& domain : info.domains) {
      if (domain.frozen) continue;
      json["domains"].push_back({{"name", domain.name},
                                 {"scope", domain.scope},
                                 {"covers", PartsJson(domain.parts)},
                                 {"in_total", domain.in_total}});
    }
    Put(json, "lsb_j", info.lsb_j);
    Put(json, "power_cap_watts", info.power_cap_w);
    if (info.behaviour) {
      const energy::Behaviour& b = *info.behaviour;
      json["tick_s"] = b.tick_s;
      json["longest_tick_s"] = b.longest_tick_s;
      json["read_cost_s"] = b.read_cost_s;
      if (b.smallest_step_j > 0) json["smallest_step_j"] = b.smallest_step_j;
      json["watched_watts"] = b.watts;
      Put(json, "watched_instant_watts", b.instant_watts);
    }
    if (!info.note.empty()) json["note"] = info.note;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace wattline::benchmarks
