#include "roofline/compare_context.h"

#include <fmt/format.h>

#include "roofline/json_fields.h"

namespace wattline::roofline {
namespace {

std::vector<std::string> TextsOf(const Json* list) {
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  for (const Json& text : *list) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

// "rapl (counter): package 0 [cpu], memory of package 0 [dram]"; empty where nothing is in the
// total.
std::string AddMeter(const Json& json, EnergyScope& scope) {
  std::string fault;
  const Fields meter(json, "meter", fault);
  const Json* domains = meter.List("domains");
  if (domains == nullptr) return {};
  std::vector<std::string> texts;
  for (const Json& one : *domains) {
    const Fields domain(one, "domain", fault);
    if (!domain.Flag("in_total").value_or(false)) continue;
    std::vector<std::string> covers = TextsOf(domain.List("covers"));
    if (covers.empty()) covers.push_back(domain.TextOr("name"));
    scope.covers.insert(covers.begin(), covers.end());
    texts.push_back(fmt::format("{} [{}]", domain.TextOr("scope", domain.TextOr("name")),
                                fmt::join(covers, " ")));
  }
  if (texts.empty()) return {};
  const std::string kind = meter.TextOr("kind");
  scope.meters.insert(meter.TextOr("name"));
  scope.kinds.insert(kind);
  if (kind == "modelled") scope.note = meter.TextOr("note");
  return fmt::format("{} ({}): {}", meter.TextOr("name"), kind, fmt::join(texts, ", "));
}

std::string MetersText(const Json& meters, EnergyScope& scope) {
  std::vector<std::string> texts;
  for (const Json& meter : meters) {
    const std::string text = AddMeter(meter, scope);
    if (!text.empty()) texts.push_back(text);
  }
  scope.told = !texts.empty();
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, "; "));
}

std::string ModelText(const Json& json) {
  std::string fault;
  const Fields model(json, "model", fault);
  std::string text = model.TextOr("name") + " " + model.TextOr("format");
  if (const auto byte = model.Number("weight_byte")) {
    text += fmt::format(", {:.4g} GB", *byte * 1e-9);
  }
  return text;
}

class Facts {
 public:
  explicit Facts(const Results& results) : results_(results) {
    if (results.context.empty()) return;
    ParsedJson parsed = ParseJson(results.context, results.path);
    if (parsed.error.empty() && parsed.json.is_object()) json_ = std::move(parsed.json);
  }

  ContextFacts Done() {
    std::string fault;
    const Fields context(json_, "context", fault);
    const Machine& machine = results_.machine;
    Put("program", results_.tool);
    Put("chip", machine.chip);
    if (!machine.gpus.empty()) Put("GPU", machine.gpus.front().name);
    PutNumber("GPU cores", context.Number("gpu_cores"));
    Put("machine", context.TextOr("machine"));
    if (machine.memory_byte) Put("memory", fmt::format("{:.4g} GB", *machine.memory_byte * 1e-9));
    Put("OS", machine.os);
    Put("kernel", context.TextOr("kernel"));
    PutFlag("virtual machine", context.Flag("virtual_machine"));
    Put("compiler", machine.compiler);
    Put("compiler flags", context.TextOr("compiler_flags"));
    Put("build type", context.TextOr("build_type"));
    Put("commit", machine.commit);
    PutNumber("schema", context.Number("schema_version"));
    Put("Google Benchmark", context.TextOr("google_benchmark_version"));
    if (machine.threads) Put("threads", std::to_string(*machine.threads));
    Put("cores", fmt::format("{}", fmt::join(TextsOf(context.List("core_kinds_used")), " ")));
    Put("power source", context.TextOr("power_source"));
    PutFlag("low-power mode", context.Flag("low_power_mode"));
    Put("thermal pressure", context.TextOr("thermal_pressure"));
    Put("governor", context.TextOr("clock_governor"));
    PutFlag("turbo", context.Flag("turbo"));
    if (const Json* model = context.Object("model")) Put("model", ModelText(*model));
    PutMeters(context);
    for (const auto& [name, told] : machine.backends) Put(kLibraryFact + name, told);
    facts_.hottest_celsius = context.Number("hottest_celsius");
    return std::move(facts_);
  }

 private:
  void Put(std::string what, std::string value) {
    if (!value.empty()) facts_.facts.emplace_back(std::move(what), std::move(value));
  }
  void PutFlag(const char* what, std::optional<bool> flag) {
    if (flag) Put(what, *flag ? "yes" : "no");
  }
  void PutNumber(const char* what, std::optional<double> number) {
    if (number) Put(what, fmt::format("{:g}", *number));
  }

  void PutMeters(const Fields& context) {
    if (const Json* meters = context.List("meters")) {
      Put("meters of joules", MetersText(*meters, facts_.energy));
      return;
    }
    // Made by a reader, without our context.
    std::vector<std::string> texts;
    for (const MeterNote& meter : results_.machine.meters) {
      texts.push_back(fmt::format("{} ({}): {}", meter.name, meter.kind, meter.scope));
      facts_.energy.told = true;
      facts_.energy.meters.insert(meter.name);
      if (!meter.kind.empty()) facts_.energy.kinds.insert(meter.kind);
      if (meter.in_total.empty()) facts_.energy.covers.insert(meter.scope);
      facts_.energy.covers.insert(meter.in_total.begin(), meter.in_total.end());
    }
    Put("meters of joules", fmt::format("{}", fmt::join(texts, "; ")));
  }

  const Results& results_;
  Json json_ = Json::object();
  ContextFacts facts_;
};

}  // namespace

ContextFacts FactsOf(const Results& results) { return Facts(results).Done(); }

}  // namespace wattline::roofline
