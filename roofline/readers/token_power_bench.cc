// TokenPowerBench (chenxuniu/TokenPowerBench ec00f52) in its two schemas: {MODEL: [result]} of
// SingleNode/llm_benchmark.py, and {"batch_B": result} of run_single_node.py, whose keys carry
// units. A row is one whole run of many prompts: its joules and its time are of the run.
#include "roofline/readers/token_power_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "roofline/json_fields.h"
#include "roofline/readers/foreign.h"
#include "roofline/readers/model_names.h"

namespace wattline::roofline {
namespace {

constexpr const char* kTokenPowerName = "TokenPowerBench";
// A GPU that draws less than this share of the busiest one's power did not share the work.
constexpr double kIdleGpuShare = 0.75;

// A figure of the file, how it is called there and here. The first of the two keys that is there.
struct Figure {
  const char* key;
  const char* newer_key;
  const char* counter;
};

constexpr Figure kFigures[] = {
    {"total_output_tokens", nullptr, "tokens"},
    {"total_energy", "total_energy_j", "joules"},
    {"gpu_energy", "gpu_energy_j", "J:gpu"},
    {"cpu_energy", "cpu_energy_j", "J:cpu"},
    {"dram_energy", "dram_energy_j", "J:dram"},
    {"total_avg_power", "system_avg_power_w", "watts"},
    {"gpu_avg_power", "gpu_avg_power_w", "gpu_power_watts"},
    {"energy_per_token", nullptr, "J/token"},
    {"total_energy_per_token", nullptr, "total_energy_per_token"},
    {"gpu_energy_per_token", nullptr, "gpu_energy_per_token"},
};

// "ENGINE_MODEL_BATCH_500_20250418_232621.json": tokens that each prompt may give; only the name of
// the file tells them.
std::optional<int> MostTokensOfFile(const std::string& path) {
  std::vector<std::string> words(1);
  for (const char c : WithoutEnding(WithoutFolders(path))) {
    if (c == '_') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  const size_t n = words.size();
  const auto is_number = [](const std::string& word, size_t length) {
    return word.size() == length && word.find_first_not_of("0123456789") == std::string::npos;
  };
  if (n < 5 || !is_number(words[n - 1], 6) || !is_number(words[n - 2], 8)) return std::nullopt;
  const std::optional<double> tokens = NumberOf(words[n - 3]);
  return tokens ? CountOf(*tokens) : std::nullopt;
}

class TokenPowerReading {
 public:
  explicit TokenPowerReading(std::string path) : path_(std::move(path)) {}
  ReadMany Read(const Json& json);

 private:
  void ReadOne(const Json& json, const std::string& place, const std::string& key);
  void PutFigures(const Fields& fields, Row& row);
  void PutDevices(const Json& json, const std::string& place, Row& row);
  void TellOfJoules();

  std::string path_;
  std::string fault_;
  Results results_;
  size_t with_idle_gpus_ = 0;
  size_t gpu_only_ = 0;
  size_t estimated_ = 0;
};

void TokenPowerReading::PutFigures(const Fields& fields, Row& row) {
  for (const Figure& figure : kFigures) {
    std::optional<double> value = fields.Number(figure.key);
    if (!value && figure.newer_key) value = fields.Number(figure.newer_key);
    if (value) row.counters[figure.counter] = *value;
  }
  // The newer schema has only mJ per token.
  const auto total_mj = fields.Number("total_mj_per_token");
  if (total_mj) row.counters["J/token"] = *total_mj * 1e-3;
  std::optional<double> time_s = fields.Number("duration");
  if (!time_s) time_s = fields.Number("duration_s");
  row.time_s = time_s.value_or(0);
  const auto tokens = row.Counter("tokens");
  if (tokens && row.time_s > 0) row.counters["tok/s"] = *tokens / row.time_s;
  const auto joules = row.Counter("joules"), gpu = row.Counter("J:gpu");
  if (joules && gpu && *joules > 0 && std::abs(*joules - *gpu) < 1e-6 * *joules) ++gpu_only_;
}

void TokenPowerReading::PutDevices(const Json& json, const std::string& place, Row& row) {
  std::vector<double> watts;
  const auto add = [&](const std::string& key, const Json& value) {
    if (value.is_number()) return watts.push_back(value.get<double>());
    if (fault_.empty()) {
      fault_ =
          fmt::format("{}.{} is {}, not a number", place, PlainText(key, 40), value.type_name());
    }
  };
  for (const auto& [key, value] : json.items()) {
    const bool of_one =
        key.rfind("gpu", 0) == 0 && key.size() > 14 &&
        key.compare(key.size() - 12, 12, "_power_watts") == 0 &&
        key.substr(3, key.size() - 15).find_first_not_of("0123456789") == std::string::npos;
    if (of_one) add(key, value);
    if (key != "per_gpu_power_w" || !value.is_structured()) continue;
    for (const auto& [device, power] : value.items()) add(key + "." + device, power);
  }
  if (watts.empty()) return;
  row.counters["devices"] = static_cast<double>(watts.size());
  const double most = *std::max_element(watts.begin(), watts.end());
  const auto idle =
      std::count_if(watts.begin(), watts.end(), [&](double w) { return w < kIdleGpuShare * most; });
  row.counters["idle_devices"] = static_cast<double>(idle);
  if (idle > 0) ++with_idle_gpus_;
}

void TokenPowerReading::ReadOne(const Json& json, const std::string& place,
                                const std::string& key) {
  const Fields fields(json, place, fault_);
  if (!json.is_object()) {
    if (fault_.empty()) {
      fault_ = fmt::format("{} is {}, not an object", place, json.type_name());
    }
    return;
  }
  // Folders of a cache are called "models--meta-llama--Llama-3.1-8B".
  std::string model = WithoutFolders(fields.TextOr("model", key));
  if (const size_t dashes = model.rfind("--"); dashes != std::string::npos) {
    model = model.substr(dashes + 2);
  }
  Address address{"decode",
                  KnownModel(model).value_or(Slug(model)),
                  "unknown",
                  {{"ctx", "unknown"}},
                  fields.TextOr("engine", "unknown")};
  // By estimate_tokens of these engines; the others count.
  estimated_ += address.backend == "vllm" || address.backend == "transformers";
  if (const auto batch = fields.Number("batch_size")) {
    address.cases.emplace_back("batch", NumberText(*batch));
  }
  std::optional<double> most_tokens = fields.Number("output_tokens");
  if (!most_tokens) {
    const std::optional<int> by_file = MostTokensOfFile(path_);
    if (by_file) most_tokens = *by_file;
  }
  if (most_tokens) address.cases.emplace_back("max_tokens", NumberText(*most_tokens));
  Row row = RowNamed(address);
  row.source = kTokenPowerName;
  row.iterations = 1;
  PutFigures(fields, row);
  PutDevices(json, place, row);
  results_.machine.backends[Slug(address.backend)] = "version not told";
  results_.rows.push_back(std::move(row));
}

// What the joules are of: NVML's power of all GPUs, sampled; RAPL's of packages and memory; the
// board controller's of the whole node.
void TokenPowerReading::TellOfJoules() {
  const auto any = [&](const char* counter) {
    return std::any_of(results_.rows.begin(), results_.rows.end(),
                       [&](const Row& row) { return row.Counter(counter).value_or(0) > 0; });
  };
  std::vector<MeterNote>& meters = results_.machine.meters;
  const bool node = any("watts");
  if (any("J:gpu")) {
    meters.push_back({"nvml", "sampled", "board",
                      node ? std::vector<std::string>{} : std::vector<std::string>{"gpu"}});
  }
  if (any("J:cpu") || any("J:dram")) meters.push_back({"rapl", "counter", "package", {}});
  if (node) meters.push_back({"ipmi", "sampled", "node", {"node"}});
  if (gpu_only_ > 0) {
    results_.remarks.push_back(fmt::format("{}: total_energy of {} is that of the GPUs alone",
                                           path_, Counted(gpu_only_, "row")));
  }
  if (with_idle_gpus_ > 0) {
    results_.remarks.push_back(fmt::format(
        "{}: joules of {} include GPUs that drew less than {:.0f} % of the busiest one's "
        "power (idle_devices)",
        path_, Counted(with_idle_gpus_, "row"), kIdleGpuShare * 100));
  }
  TellZeros(results_);
}

ReadMany TokenPowerReading::Read(const Json& json) {
  results_.path = path_;
  results_.tool = kTokenPowerName;
  results_.source = kTokenPowerName;
  if (!json.is_object()) {
    return {{}, fmt::format("{}: the file is {}, not an object", path_, json.type_name())};
  }
  if (json.contains("total_output_tokens")) {
    ReadOne(json, "the file", "unknown");
  } else {
    for (const auto& [key, told] : json.items()) {
      const std::string place = PlainText(key, 60);
      if (!told.is_array()) {
        ReadOne(told, place, key);
        continue;
      }
      for (size_t i = 0; i < told.size(); ++i) {
        ReadOne(told[i], fmt::format("{}[{}]", place, i), key);
      }
    }
  }
  if (!fault_.empty()) return {{}, fmt::format("{}: {}", path_, fault_)};
  if (results_.rows.empty()) {
    return {{}, fmt::format("{} has no result of {}", path_, kTokenPowerName)};
  }
  FinishRows(results_.rows);
  TellOfJoules();
  if (estimated_ > 0) {
    results_.remarks.push_back(fmt::format(
        "{}: output tokens of {} are estimated as 1.3 per word, tok/s and J/token with them", path_,
        Counted(estimated_, "row")));
  }
  results_.remarks.push_back(
      path_ + ": it does not tell the chip, the weights' format and the prompts' length");
  Json context = {{"tool", kTokenPowerName}, {"source", kTokenPowerName}};
  for (const auto& [name, told] : results_.machine.backends) context["backends"][name] = told;
  results_.context = context.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {{std::move(results_)}, {}};
}

bool RecognisesTokenPower(const std::string& text) {
  return HasKey(text, "total_output_tokens") &&
         (HasKey(text, "gpu_energy") || HasKey(text, "gpu_energy_j"));
}

ReadMany ReadTokenPower(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {{}, parsed.error};
  return TokenPowerReading(path).Read(parsed.json);
}

}  // namespace

const Reader kTokenPowerBench = {kTokenPowerName, "results of TokenPowerBench",
                                 RecognisesTokenPower, ReadTokenPower};

}  // namespace wattline::roofline
