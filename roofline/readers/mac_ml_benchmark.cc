// The raw JSON of taneja-rohit/mac-ml-benchmark (d4a5fd8): one idea in nine schemas, told apart by
// their keys. Host names, addresses and texts that a model generated are never taken over.
#include "roofline/readers/mac_ml_benchmark.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "roofline/json_fields.h"
#include "roofline/readers/mac_ml_rows.h"
#include "roofline/readers/model_names.h"

namespace wattline::roofline {
namespace {

constexpr const char* kMacMlName = "mac-ml-benchmark";

// Its results lie in folders named after the chip.
std::string ChipOfPath(const std::string& path) {
  std::string chip;
  std::string part;
  for (const char c : path) {
    if (c != '/' && c != '\\') {
      part += c;
      continue;
    }
    const std::string told = AppleChip(part);
    if (!told.empty()) chip = told;
    part.clear();
  }
  return chip;
}

void ReadSystem(const Json& json, MacMlFile& file) {
  const Fields top(json, "the file", file.fault);
  Machine& machine = file.results.machine;
  if (const Json* told = top.Object("chip")) {
    const Fields chip(*told, "chip", file.fault);
    SetChip(machine, chip.TextOr("brand_string"));
    if (const auto threads = chip.Number("thread_count")) machine.threads = CountOf(*threads);
  }
  if (const Json* told = top.Object("memory")) {
    machine.memory_byte = Fields(*told, "memory", file.fault).Number("total_bytes");
  }
  if (const Json* told = top.Object("gpu")) {
    const auto cores = Fields(*told, "gpu", file.fault).Number("gpu_cores_estimate");
    if (cores) {
      file.claims.push_back({{"what", "gpu_cores"},
                             {"value", *cores},
                             {"unit", "1"},
                             {"where", "gpu.gpu_cores_estimate"}});
    }
  }
  if (const Json* told = top.Object("software")) {
    const Fields software(*told, "software", file.fault);
    if (const auto os = software.Text("macos_version")) machine.os = "macOS " + PlainText(*os, 40);
    for (const auto& [key, backend, name] :
         {std::tuple{"pytorch_version", "pytorch_mps", "PyTorch "},
          std::tuple{"mlx_version", "mlx", "MLX "}}) {
      const auto version = software.Text(key);
      if (version) machine.backends[backend] = name + PlainText(*version, 40);
    }
  }
  file.results.remarks.push_back(file.results.path +
                                 ": it tells of the machine and has no measurements");
}

// A run of experiments on a prompt: how long it and the tokens behind it took.
struct PromptRun {
  std::string machine;  // of the prompt; that of the tokens
  std::string decode_machine;
  std::string model, format, link;
  double prompt_tokens = 0;
};

void AddPromptRows(const Json& json, const std::string& place, const PromptRun& run,
                   const char* aggregate, std::vector<Row>& prefill, std::vector<Row>& decode,
                   std::string& fault) {
  const Fields fields(json, place, fault);
  const auto row_of = [&](const char* length) {
    Address address{
        "decode", run.model, run.format, {{length, NumberText(run.prompt_tokens)}}, "pytorch_mps"};
    if (!run.link.empty()) address.cases.emplace_back("link", run.link);
    Row row = RowNamed(address);
    row.aggregate = aggregate;
    row.source = kMacMlName;
    return row;
  };
  const auto prefill_ms = fields.Number("prefill_time_ms");
  if (prefill_ms && *prefill_ms > 0) {
    Row row = row_of("prefill");
    row.time_s = *prefill_ms * 1e-3;
    row.counters["tok/s"] = run.prompt_tokens / row.time_s;
    if (const auto first = fields.Number("ttft_ms")) row.counters["TTFT_ms"] = *first;
    prefill.push_back(std::move(row));
  }
  if (const auto rate = fields.Number("tokens_per_sec")) {
    Row row = row_of("ctx");
    row.time_s = 0;  // other than 128 tokens were generated
    row.counters["tok/s"] = *rate;
    if (const auto each = fields.Number("avg_token_latency_ms")) row.counters["TPOT_ms"] = *each;
    decode.push_back(std::move(row));
  }
}

// role "baseline", "prefill" or "ray_disaggregated": the machines of prompt and tokens may differ.
void ReadExperiment(const Json& json, const std::string& path, MacMlFile& file,
                    std::vector<Results>& more) {
  const Fields top(json, "the file", file.fault);
  PromptRun run;
  const std::string role = top.TextOr("role");
  run.machine = AppleChip(top.TextOr("machine", top.TextOr("prefill_machine")));
  run.decode_machine = AppleChip(top.TextOr("decode_machine", top.TextOr("machine")));
  run.model = KnownModel(top.TextOr("model")).value_or(Slug(WithoutFolders(top.TextOr("model"))));
  run.format = FormatOfTorch(top.TextOr("dtype", "unknown"));
  run.prompt_tokens = top.NumberOfNeed("prompt_tokens");
  if (role != "baseline") run.link = role == "prefill" ? "tcp" : "ray";
  std::vector<Row> prefill, decode;
  if (const Json* runs = top.List("all_runs")) {
    for (size_t i = 0; i < runs->size() && file.fault.empty(); ++i) {
      AddPromptRows((*runs)[i], fmt::format("all_runs[{}]", i), run, "", prefill, decode,
                    file.fault);
    }
  }
  if (const Json* mean = top.Object("averaged")) {
    AddPromptRows(*mean, "averaged", run, "mean", prefill, decode, file.fault);
  }
  if (top.Object("decode_results")) {
    file.left_out.Add("decode_results are of another machine, which is not named");
  }
  if (!run.machine.empty()) SetChip(file.results.machine, run.machine);
  file.results.rows = std::move(prefill);
  if (run.decode_machine == run.machine) {
    file.results.rows.insert(file.results.rows.end(), decode.begin(), decode.end());
    return;
  }
  Results other;
  other.path = path;
  other.tool = kMacMlName;
  other.source = kMacMlName;
  SetChip(other.machine, run.decode_machine);
  other.rows = std::move(decode);
  more.push_back(std::move(other));
}

bool HasObjects(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_object();
}

// Which schema it is; false where it is none.
bool Dispatch(const Json& json, const std::string& path, MacMlFile& file,
              std::vector<Results>& more) {
  if (!json.is_object()) return false;
  if (json.contains("traffic_summary")) return false;
  if (json.contains("role") && json.contains("all_runs")) {
    ReadExperiment(json, path, file, more);
  } else if (HasObjects(json, "chip") && HasObjects(json, "memory")) {
    ReadSystem(json, file);
  } else if (HasObjects(json, "benchmarks")) {
    ReadMacMlBenchmarks(json, file);
  } else if (HasObjects(json, "frameworks")) {
    ReadMacMlFrameworks(json, file);
  } else if (json.contains("benchmark")) {
    ReadMacMlFinetune(json, file);
  } else if (HasObjects(json, "memory_bandwidth") || HasObjects(json, "model_level_mfu")) {
    ReadMacMlUtilization(json, file);
  } else if (HasObjects(json, "pytorch_mps") || HasObjects(json, "mlx")) {
    ReadMacMlLayers(json, file);
  } else if (json.contains("pytorch_mps") || json.contains("mlx")) {
    ReadMacMlDetailed(json, file);
  } else {
    return false;
  }
  return true;
}

void FinishMacMl(Results& results, const Json& claims) {
  FinishRows(results.rows);
  TellZeros(results);
  Json context = {{"tool", kMacMlName}, {"source", results.source}};
  if (results.machine.chip.empty()) {
    results.remarks.push_back(results.path +
                              ": neither it nor its folder, as M4_Pro, tells the chip");
  } else {
    context["chip"] = results.machine.chip;
    context["chip_slug"] = results.machine.chip_slug;
  }
  if (!results.machine.os.empty()) context["os"] = results.machine.os;
  if (results.machine.threads) context["threads"] = *results.machine.threads;
  if (results.machine.memory_byte) context["memory_byte"] = *results.machine.memory_byte;
  for (const auto& [name, told] : results.machine.backends) context["backends"][name] = told;
  if (!claims.empty()) context["claims"] = claims;
  results.context = context.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool RecognisesMacMl(const std::string& text) {
  const bool of_both = HasKey(text, "pytorch_mps", '[') || HasKey(text, "pytorch_mps", '{');
  return of_both || HasKey(text, "theoretical_bandwidth_gbs") || HasKey(text, "model_level_mfu") ||
         HasKey(text, "traffic_summary") || HasKey(text, "full_layer_ms") ||
         HasKey(text, "frameworks", '{') ||
         (HasKey(text, "benchmarks", '{') && HasKey(text, "framework")) ||
         (HasKey(text, "role") && HasKey(text, "all_runs")) ||
         (HasKey(text, "benchmark") && text.find("finetun") != std::string::npos);
}

ReadMany ReadMacMl(const std::string& text, const std::string& path) {
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {{}, parsed.error};
  MacMlFile file;
  file.results.path = path;
  file.results.tool = kMacMlName;
  file.results.source = kMacMlName;
  SetChip(file.results.machine, ChipOfPath(path));
  std::vector<Results> more;
  if (!Dispatch(parsed.json, path, file, more)) {
    return {{}, fmt::format("{} is of {} but holds no measurements of a chip", path, kMacMlName)};
  }
  if (!file.fault.empty()) return {{}, fmt::format("{}: {}", path, file.fault)};
  file.left_out.Tell(path, file.results.remarks);
  FinishMacMl(file.results, file.claims);
  std::vector<Results> all = {std::move(file.results)};
  for (Results& other : more) {
    FinishMacMl(other, Json::array());
    all.push_back(std::move(other));
  }
  return {std::move(all), {}};
}

}  // namespace

const Reader kMacMlBenchmark = {kMacMlName, "raw JSON of taneja-rohit/mac-ml-benchmark",
                                RecognisesMacMl, ReadMacMl};

}  // namespace wattline::roofline
