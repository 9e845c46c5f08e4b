// What the names stand for is told by the program alone (taneja-rohit/mac-ml-benchmark d4a5fd8):
// GEMM is square; attention and blocks have no mask and 32 heads of K and V; reads, writes and
// copies are of f32, their size_gb is in GiB; the layer has Mistral-7B's widths.
#include "roofline/readers/mac_ml_rows.h"

#include <algorithm>
#include <utility>

#include "roofline/readers/model_names.h"

namespace wattline::roofline {
namespace {

constexpr double kKibPerGib = 1048576;

// "attention_seq512" -> 512
std::optional<double> LengthOf(std::string_view name) {
  const size_t at = name.rfind("seq");
  if (at == std::string_view::npos) return std::nullopt;
  return NumberOf(name.substr(at + 3));
}

// What went wrong, in one line and without addresses of the network.
std::string ErrorText(const std::string& told) {
  const std::string line = told.substr(0, std::min(told.find('\n'), told.find(" (Request")));
  return line.empty() ? "no reason given" : PlainText(line, 100);
}

void PutTold(Row& row, const char* counter, std::optional<double> value) {
  if (value) row.counters[counter] = *value;
}

void PutTime(Row& row, std::optional<double> time_ms, std::optional<double> deviation_ms) {
  row.time_s = time_ms.value_or(0) * 1e-3;
  if (deviation_ms) row.label = fmt::format("standard deviation {:.4g} ms", *deviation_ms);
}

// Absent for what is no measurement of ours.
std::optional<Address> AddressOf(const std::string& name, const Fields& row, const Fields& extra) {
  const std::string dtype = row.TextOr("dtype");
  Address address{"", "", dtype.empty() ? "f16" : FormatOfTorch(dtype), {}, ""};
  const auto tokens = LengthOf(name);
  if (name.starts_with("gemm_")) {
    const std::string size = name.substr(5, name.find('x') - 5);
    if (!NumberOf(size)) return std::nullopt;
    address.fixture = "gemm";
    address.subject = fmt::format("{0}x{0}x{0}", size);
    return address;
  }
  if (name.starts_with("attention_seq") && tokens) {
    address.fixture = "attention";
    address.subject = "full";
    const std::string heads = NumberText(extra.Number("num_heads").value_or(32));
    address.cases = {{"heads", heads},
                     {"kv_heads", heads},
                     {"head_dim", NumberText(extra.Number("head_dim").value_or(128))},
                     {"tokens", NumberText(*tokens)}};
    return address;
  }
  if (name.starts_with("transformer_block_seq") && tokens) {
    address.fixture = "block";
    address.subject = "transformer";
    address.cases = {{"tokens", NumberText(*tokens)}};
    return address;
  }
  if (name.starts_with("mistral_7b_seq") && tokens) {
    address.fixture = "decode";
    address.subject = "mistral-7b";
    address.cases = {{"prefill", NumberText(*tokens)}};
    return address;
  }
  const std::optional<double> size_gib = row.Number("size_gb");
  for (const auto& [theirs, ours] :
       {std::pair{"sequential_read", "read"}, std::pair{"sequential_write", "write"},
        std::pair{"copy", "copy"}}) {
    if (name != theirs || !size_gib) continue;
    return Address{"ceiling", ours, "f32", {{"kb", NumberText(*size_gib * kKibPerGib)}}, ""};
  }
  return std::nullopt;
}

void ReadItem(const Json& json, const std::string& place, const std::string& framework,
              MacMlFile& file) {
  const Fields row_fields(json, place, file.fault);
  const std::string name = row_fields.TextOfNeed("name");
  static const Json none = Json::object();
  const Json* told = row_fields.Object("extra");
  const Fields extra(told ? *told : none, place + ".extra", file.fault);
  std::optional<Address> address = AddressOf(name, row_fields, extra);
  if (!address) return file.left_out.Add(PlainText(name, 40) + " is nothing that we measure");
  address->backend = row_fields.TextOr("framework", framework);
  Row row = RowNamed(*address);
  row.source = file.results.source;
  if (const auto error = extra.Text("error")) {
    row.error = ErrorText(*error);
    file.results.rows.push_back(std::move(row));
    return;
  }
  PutTime(row, row_fields.Number("time_ms"), extra.Number("std_ms"));
  row.iterations = extra.Number("iterations").value_or(0);
  PutTold(row, "TFLOPS", row_fields.Number("tflops"));
  PutTold(row, "GB/s", row_fields.Number("bandwidth_gbs"));
  PutTold(row, "size_GB", row_fields.Number("size_gb"));
  PutTold(row, "tok/s", extra.Number("tokens_per_sec"));
  if (address->fixture == "decode") PutTold(row, "TTFT_ms", row_fields.Number("time_ms"));
  file.results.rows.push_back(std::move(row));
}

void AddClaim(MacMlFile& file, const char* what, std::optional<double> value, const char* unit,
              const std::string& where, const char* format = "") {
  if (!value) return;
  Json claim = {{"what", what}, {"value", *value}, {"unit", unit}, {"where", where}};
  if (*format) claim["format"] = format;
  file.claims.push_back(std::move(claim));
}

void ReadGemm(const Json& json, const std::string& place, const std::string& backend,
              MacMlFile& file) {
  const Fields fields(json, place, file.fault);
  const std::string size = NumberText(fields.NumberOfNeed("size"));
  Row row = RowNamed({"gemm",
                      fmt::format("{0}x{0}x{0}", size),
                      FormatOfTorch(fields.TextOfNeed("dtype")),
                      {},
                      backend});
  row.source = file.results.source;
  PutTime(row, fields.Number("avg_ms"), fields.Number("std_ms"));
  row.iterations = fields.Number("samples").value_or(0);
  PutTold(row, "TFLOPS", fields.Number("tflops"));
  file.results.rows.push_back(std::move(row));
}

void ReadLayer(const Json& json, const std::string& place, const std::string& backend,
               const std::string& tokens, MacMlFile& file) {
  const Fields fields(json, place, file.fault);
  const auto add = [&](Address address, const char* time, const char* tflops) {
    const std::optional<double> time_ms = fields.Number(time);
    if (!time_ms) return;
    address.cases.emplace_back("tokens", tokens);
    address.backend = backend;
    Row row = RowNamed(address);
    row.source = file.results.source;
    PutTime(row, time_ms, std::nullopt);
    if (tflops) PutTold(row, "TFLOPS", fields.Number(tflops));
    file.results.rows.push_back(std::move(row));
  };
  // With as many heads of K and V as of Q: Mistral-7B itself has a quarter.
  const std::string layer = "mistral-7b-mha";
  const std::pair<std::string, std::string> backward{"pass", "backward"};
  add({"attention", "full", "f16", {{"layer", layer}}, ""}, "attention_ms", "attention_tflops");
  add({"attention", "full", "f16", {{"layer", layer}, backward}, ""}, "attention_backward_ms",
      nullptr);
  add({"block", layer, "f16", {{"part", "ffn"}}, ""}, "ffn_ms", "ffn_tflops");
  add({"block", layer, "f16", {{"part", "ffn"}, backward}, ""}, "ffn_backward_ms", nullptr);
  add({"block", layer, "f16", {}, ""}, "full_layer_ms", nullptr);
  add({"block", layer, "f16", {backward}, ""}, "backward_ms", nullptr);
}

std::string ModelSlug(const std::string& told) {
  return KnownModel(told).value_or(Slug(WithoutFolders(told)));
}

std::string PrecisionOf(const Fields& fields) {
  const std::string precision = fields.TextOr("precision");
  const std::string text = fields.TextOr("model") + " " + precision;
  if (Lower(text).find("q4_k_m") != std::string::npos) return "q4_k_m";
  if (precision.find("4-bit") != std::string::npos) return "mlx_4bit";
  return precision.empty() ? "unknown" : FormatOfTorch(precision);
}

}  // namespace

std::string AppleChip(std::string_view word) {
  const std::string slug = Slug(word);
  if (slug.size() < 2 || slug[0] != 'm' || slug[1] < '1' || slug[1] > '9') return {};
  const size_t end = std::min(slug.find_first_of("-_"), slug.size());
  if (slug.substr(1, end - 1).find_first_not_of("0123456789") != std::string::npos) return {};
  std::string chip = "Apple M" + slug.substr(1, end - 1);
  if (end == slug.size()) return chip;
  const std::string kind = slug.substr(end + 1);
  if (kind == "pro") return chip + " Pro";
  if (kind == "max") return chip + " Max";
  return kind == "ultra" ? chip + " Ultra" : std::string();
}

void ReadMacMlBenchmarks(const Json& json, MacMlFile& file) {
  const Fields top(json, "the file", file.fault);
  const std::string framework = top.TextOr("framework", "unknown");
  const Json* sets = top.Object("benchmarks");
  if (!sets) return;
  for (const auto& [set, items] : sets->items()) {
    const std::string place = "benchmarks." + PlainText(set, 40);
    if (items.is_object()) {
      ReadItem(items, place, framework, file);
    } else if (!items.is_array()) {
      file.fault = fmt::format("{} is {}, not a list", place, items.type_name());
    } else {
      for (size_t i = 0; i < items.size() && file.fault.empty(); ++i) {
        ReadItem(items[i], fmt::format("{}[{}]", place, i), framework, file);
      }
    }
  }
}

void ReadMacMlDetailed(const Json& json, MacMlFile& file) {
  for (const auto& [framework, items] : json.items()) {
    if (!items.is_array()) continue;
    for (size_t i = 0; i < items.size() && file.fault.empty(); ++i) {
      ReadGemm(items[i], fmt::format("{}[{}]", PlainText(framework, 40), i), framework, file);
    }
  }
}

void ReadMacMlLayers(const Json& json, MacMlFile& file) {
  for (const auto& [framework, lengths] : json.items()) {
    if (!lengths.is_object()) continue;
    for (const auto& [tokens, figures] : lengths.items()) {
      const std::string place = PlainText(framework, 40) + "." + PlainText(tokens, 40);
      if (!NumberOf(tokens)) {
        file.left_out.Add(fmt::format("{} is no length", place));
      } else {
        ReadLayer(figures, place, framework, tokens, file);
      }
    }
  }
}

void ReadMacMlFrameworks(const Json& json, MacMlFile& file) {
  const Fields top(json, "the file", file.fault);
  if (const Json* hardware = top.Object("hardware")) {
    const Fields told(*hardware, "hardware", file.fault);
    SetChip(file.results.machine, told.TextOr("chip"));
    AddClaim(file, "gpu_cores", told.Number("gpu_cores"), "1", "hardware.gpu_cores");
  }
  const Json* frameworks = top.Object("frameworks");
  if (!frameworks) return;
  for (const auto& [name, told] : frameworks->items()) {
    const Fields fields(told, "frameworks." + PlainText(name, 40), file.fault);
    const std::string model = ModelSlug(fields.TextOr("model"));
    const std::string format = PrecisionOf(fields);
    file.results.machine.backends[Slug(name)] = PlainText(fields.TextOr("backend"));
    if (const auto rate = fields.Number("inference_tokens_per_sec")) {
      Row row = RowNamed({"decode", model, format, {{"ctx", "unknown"}}, name});
      row.source = file.results.source;
      row.counters["tok/s"] = *rate;
      if (*rate > 0) row.counters["TPOT_ms"] = 1e3 / *rate;
      PutTold(row, "weights_GB", fields.Number("model_memory_gb"));
      PutTold(row, "peak_GB", fields.Number("peak_memory_gb"));
      file.results.rows.push_back(std::move(row));
    }
    if (const auto rate = fields.Number("training_tokens_per_sec")) {
      Row row = RowNamed({"finetune", model, format, {{"steps", "unknown"}}, name});
      row.source = file.results.source;
      row.counters["tok/s"] = *rate;
      file.results.rows.push_back(std::move(row));
    }
    AddClaim(file, "peak", fields.Number("peak_tflops"), "TFLOPS",
             "frameworks." + PlainText(name, 40) + ".peak_tflops");
  }
}

void ReadMacMlFinetune(const Json& json, MacMlFile& file) {
  const Fields fields(json, "the file", file.fault);
  const std::string benchmark = fields.TextOr("benchmark");
  const std::string backend = benchmark.starts_with("mlx") ? "mlx" : "pytorch_mps";
  std::optional<double> rate = fields.Number("tokens_per_second");
  if (!rate) rate = fields.Number("tokens_per_second_avg");
  if (!rate) return file.left_out.Add("it has no tokens_per_second");
  std::optional<double> steps = fields.Number("steps");
  if (!steps) steps = fields.Number("iters");
  Row row = RowNamed({"finetune",
                      ModelSlug(fields.TextOr("model")),
                      PrecisionOf(fields),
                      {{"steps", steps ? NumberText(*steps) : "unknown"}},
                      backend});
  row.source = file.results.source;
  row.time_s = fields.Number("time_seconds").value_or(0);
  row.counters["tok/s"] = *rate;
  PutTold(row, "peak_GB", fields.Number("peak_memory_gb"));
  PutTold(row, "trainable_parameters", fields.Number("trainable_params"));
  file.results.rows.push_back(std::move(row));
}

void ReadMacMlUtilization(const Json& json, MacMlFile& file) {
  const Fields top(json, "the file", file.fault);
  for (const auto& [key, format] : {std::pair{"float32", "f32"}, std::pair{"float16", "f16"}}) {
    const Json* told = top.Object(key);
    if (!told) continue;
    const Fields fields(*told, key, file.fault);
    AddClaim(file, "peak", fields.Number("theoretical_tflops"), "TFLOPS",
             fmt::format("{}.theoretical_tflops", key), format);
    if (fields.Number("achieved_tflops")) file.left_out.Add("the best GEMM stands in other files");
  }
  if (const Json* told = top.Object("memory_bandwidth")) {
    const Fields fields(*told, "memory_bandwidth", file.fault);
    const std::string place = "memory_bandwidth.";
    AddClaim(file, "spec_bandwidth", fields.Number("theoretical_gbs"), "GB/s",
             place + "theoretical_gbs");
    AddClaim(file, "read", fields.Number("achieved_read_gbs"), "GB/s", place + "achieved_read_gbs");
    AddClaim(file, "copy", fields.Number("achieved_copy_gbs"), "GB/s", place + "achieved_copy_gbs");
    AddClaim(file, "read", fields.Number("achieved_gbs"), "GB/s",
             place + "achieved_gbs, whose kind is not told");
  }
  if (const Json* told = top.Object("model_level_mfu")) {
    const Fields fields(*told, "model_level_mfu", file.fault);
    std::optional<double> rate = fields.Number("inference_tokens_per_sec");
    if (!rate) rate = fields.Number("tokens_per_sec");
    AddClaim(file, "decode", rate, "tok/s", "model_level_mfu");
  }
}

}  // namespace wattline::roofline
