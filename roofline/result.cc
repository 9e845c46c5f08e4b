#include "roofline/result.h"

#include <algorithm>
#include <limits>
#include <set>

#include "roofline/json_fields.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// Numbers of a row that are Google Benchmark's own and no counters.
const std::set<std::string>& OwnKeys() {
  static const std::set<std::string> keys = {"family_index", "per_family_instance_index",
                                             "repetitions",  "repetition_index",
                                             "threads",      "iterations",
                                             "real_time",    "cpu_time",
                                             "complexity_n"};
  return keys;
}

std::optional<double> SecondsPer(const std::string& unit) {
  if (unit == "ns") return 1e-9;
  if (unit == "us") return 1e-6;
  if (unit == "ms") return 1e-3;
  if (unit == "s") return 1.0;
  return std::nullopt;
}

// A number in the file that is to be a small count: absent where it is none.
std::optional<int> SmallCount(std::optional<double> number) {
  if (!number || !(*number >= 0) || *number > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(*number);
}

Row ReadRow(const Json& json, const std::string& place, std::string& fault) {
  const Fields fields(json, place, fault);
  Row row;
  const std::string name = fields.TextOfNeed("name");
  row.name = fields.TextOr("run_name", name);
  row.address = ParseAddress(row.name);
  if (fields.TextOr("run_type") == "aggregate") {
    row.aggregate = fields.TextOr("aggregate_name", "aggregate");
  }
  row.repetition = SmallCount(fields.Number("repetition_index")).value_or(0);
  row.iterations = fields.Number("iterations").value_or(0);
  row.label = fields.TextOr("label");
  row.source = fields.TextOr("source");
  const bool failed = fields.Flag("error_occurred").value_or(false);
  const bool skipped = fields.Flag("skipped").value_or(false);
  if (failed || skipped) {
    row.error = fields.TextOr(failed ? "error_message" : "skip_message", "no reason given");
    return row;
  }
  if (const std::optional<double> time = fields.Number("real_time")) {
    const std::string unit = fields.TextOr("time_unit", "ns");
    const std::optional<double> unit_s = SecondsPer(unit);
    if (!unit_s) fields.Fault(fmt::format("{} is '{}'", fields.PlaceOf("time_unit"), unit));
    row.time_s = *time * unit_s.value_or(0);
  }
  if (!json.is_object()) return row;
  for (const auto& [key, value] : json.items()) {
    if (value.is_number() && OwnKeys().count(key) == 0) row.counters[key] = value.get<double>();
  }
  return row;
}

MeterNote ReadMeter(const Json& json, const std::string& place, std::string& fault) {
  const Fields fields(json, place, fault);
  MeterNote meter{fields.TextOr("name"), fields.TextOr("kind"), {}, {}};
  const Json* domains = fields.List("domains");
  if (!domains) return meter;
  for (size_t i = 0; i < domains->size(); ++i) {
    const Fields domain((*domains)[i], fmt::format("{}.domains[{}]", place, i), fault);
    if (!domain.Flag("in_total").value_or(false)) continue;
    if (meter.in_total.empty()) meter.scope = domain.TextOr("scope");
    meter.in_total.push_back(domain.TextOr("name"));
  }
  return meter;
}

void ReadCaches(const Fields& context, Machine& machine, std::string& fault) {
  const Json* caches = context.List("cache_levels");
  if (!caches) return;
  for (size_t i = 0; i < caches->size(); ++i) {
    const Fields cache((*caches)[i], fmt::format("context.cache_levels[{}]", i), fault);
    if (cache.TextOr("type") == "instruction") continue;
    const std::optional<int> level = SmallCount(cache.Number("level"));
    const std::optional<double> byte = cache.Number("byte");
    if (level && byte) machine.caches.push_back({*level, *byte});
  }
}

// The GPU that rows ran on is the first, unless "device" names another.
void ReadGpus(const Fields& context, Machine& machine, std::string& fault) {
  const Json* gpus = context.List("gpus");
  if (!gpus) return;
  for (size_t i = 0; i < gpus->size(); ++i) {
    const Fields gpu((*gpus)[i], fmt::format("context.gpus[{}]", i), fault);
    machine.gpus.push_back(
        {gpu.TextOfNeed("name"), gpu.Number("memory_byte"), gpu.Number("l2_byte")});
  }
  const auto used = static_cast<size_t>(context.Number("device").value_or(0));
  if (used > 0 && used < machine.gpus.size()) std::swap(machine.gpus[0], machine.gpus[used]);
}

void ReadCeilings(const Fields& context, Machine& machine, std::string& fault) {
  const Json* ceilings = context.Object("ceilings");
  if (!ceilings) return;
  const Fields fields(*ceilings, "context.ceilings", fault);
  for (const auto& [key, name] :
       {std::pair{"f32_flop_per_s", "f32"}, std::pair{"bf16_flop_per_s", "bf16"},
        std::pair{"int8_op_per_s", "int8"}, std::pair{"read_byte_per_s", "read"}}) {
    if (const std::optional<double> value = fields.Number(key)) machine.ceilings[name] = *value;
  }
}

Machine ReadMachine(const Json& json, std::string& fault) {
  const Fields context(json, "context", fault);
  Machine machine;
  machine.chip = context.TextOr("chip");
  machine.chip_slug = context.TextOr("chip_slug");
  machine.threads = SmallCount(context.Number("threads"));
  machine.memory_byte = context.Number("memory_byte");
  machine.os = context.TextOr("os");
  machine.compiler = context.TextOr("compiler");
  machine.commit = context.TextOr("commit");
  if (const Json* backends = context.Object("backends")) {
    for (const auto& [name, told] : backends->items()) {
      if (told.is_string()) machine.backends[name] = told.get<std::string>();
    }
  }
  if (const Json* meters = context.List("meters")) {
    for (size_t i = 0; i < meters->size(); ++i) {
      machine.meters.push_back(
          ReadMeter((*meters)[i], fmt::format("context.meters[{}]", i), fault));
    }
  }
  ReadCaches(context, machine, fault);
  ReadGpus(context, machine, fault);
  ReadCeilings(context, machine, fault);
  return machine;
}

}  // namespace

std::optional<double> MedianIdleWatts(const std::vector<Row>& rows) {
  std::vector<double> watts;
  for (const Row& row : rows) {
    if (const std::optional<double> idle = row.Counter("idle_watts")) watts.push_back(*idle);
  }
  return Median(watts);
}

ReadResult ParseResults(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {std::nullopt, parsed.error};
  const Json& json = parsed.json;
  if (!json.is_object() || !json.contains("benchmarks")) {
    return {std::nullopt,
            fmt::format("{} is no results file: it has no list 'benchmarks', as bench "
                        "and Google Benchmark write it",
                        path)};
  }
  std::string fault;
  const Fields top(json, "the file", fault);
  Results results;
  results.path = path;
  if (const Json* context = top.Object("context")) {
    results.machine = ReadMachine(*context, fault);
    const Fields facts(*context, "context", fault);
    results.tool =
        facts.TextOr("tool", context->contains("schema_version") ? "bench" : results.tool);
    results.source = facts.TextOr("source");
    results.published = facts.Flag("published").value_or(false);
    results.context = context->dump();
  }
  if (const Json* rows = top.List("benchmarks")) {
    for (size_t i = 0; i < rows->size() && fault.empty(); ++i) {
      results.rows.push_back(ReadRow((*rows)[i], fmt::format("benchmarks[{}]", i), fault));
    }
  }
  if (!fault.empty()) return {std::nullopt, fmt::format("{}: {}", path, fault)};
  const auto failed = std::count_if(results.rows.begin(), results.rows.end(),
                                    [](const Row& row) { return !row.error.empty(); });
  if (failed > 0) {
    results.remarks.push_back(fmt::format("{}: {} of {} rows have an error and no figures", path,
                                          failed, results.rows.size()));
  }
  results.machine.idle_watts = MedianIdleWatts(results.rows);
  return {std::move(results), {}};
}

ReadResult ReadResults(const std::string& path) {
  const LoadedText loaded = LoadText(path);
  if (!loaded.error.empty()) return {std::nullopt, loaded.error};
  return ParseResults(loaded.text, path);
}

}  // namespace wattline::roofline
