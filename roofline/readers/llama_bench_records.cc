// llama-bench writes one record per test: as an object of a list (-o json), of a line (jsonl), as a
// line of CSV, or as a row of a table for eyes (md) whose columns depend on what was varied. Field
// names: tools/llama-bench/llama-bench.cpp of ggml-org/llama.cpp, get_fields and
// get_field_display_name; examples/llama-bench of ikawrakow/ik_llama.cpp.
#include "roofline/readers/llama_bench_records.h"

#include <optional>
#include <string_view>
#include <utility>

#include "roofline/json_fields.h"
#include "roofline/readers/csv.h"
#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

std::string ScalarText(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (value.is_string()) return value.get<std::string>();
  return value.dump();
}

std::string ReadSamples(const Json& list, const std::string& place, std::vector<double>& samples) {
  if (!list.is_array()) return fmt::format("{} is {}, not a list", place, list.type_name());
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_number()) {
      return fmt::format("{}[{}] is {}, not a number", place, i, list[i].type_name());
    }
    samples.push_back(list[i].get<double>());
  }
  return {};
}

std::string ReadObject(const Json& object, LlamaRecord& record) {
  if (!object.is_object()) {
    return fmt::format("{} is {}, not an object", record.place, object.type_name());
  }
  for (const auto& [key, value] : object.items()) {
    std::string fault;
    if (key == "samples_ns") {
      fault = ReadSamples(value, record.place + ".samples_ns", record.samples_ns);
    } else if (key == "samples_ts") {
      fault = ReadSamples(value, record.place + ".samples_ts", record.samples_ts);
    } else if (value.is_primitive() && !value.is_null()) {
      record.fields[key] = ScalarText(value);
    }
    if (!fault.empty()) return fault;
  }
  return {};
}

LlamaRecords FailedLlama(const std::string& path, const std::string& fault) {
  return {{}, false, fmt::format("{}: {}", path, fault)};
}

LlamaRecords OfList(const Json& list, const std::string& path) {
  LlamaRecords read;
  for (size_t i = 0; i < list.size(); ++i) {
    LlamaRecord record;
    record.place = fmt::format("entry {}", i);
    const std::string fault = ReadObject(list[i], record);
    if (!fault.empty()) return FailedLlama(path, fault);
    read.records.push_back(std::move(record));
  }
  return read;
}

LlamaRecords OfLines(const std::string& text, const std::string& path) {
  LlamaRecords read;
  const std::vector<std::string_view> lines = LinesOf(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = Trimmed(lines[i]);
    if (line.empty()) continue;
    const ParsedJson parsed = ParseJson(std::string(line), fmt::format("{}, line {}", path, i + 1));
    if (!parsed.error.empty()) return {{}, false, parsed.error};
    LlamaRecord record;
    record.place = fmt::format("line {}", i + 1);
    const std::string fault = ReadObject(parsed.json, record);
    if (!fault.empty()) return FailedLlama(path, fault);
    read.records.push_back(std::move(record));
  }
  return read;
}

// Column heads of the printed table, under the names of -o json.
std::string FieldOfColumn(const std::string& head) {
  static const std::map<std::string, std::string> fields = {
      {"model", "model_type"},   {"size", "model_size"},    {"params", "model_n_params"},
      {"backend", "backends"},   {"ngl", "n_gpu_layers"},   {"threads", "n_threads"},
      {"sm", "split_mode"},      {"nkvo", "no_kv_offload"}, {"fa", "flash_attn"},
      {"dev", "devices"},        {"ts", "tensor_split"},    {"ot", "tensor_buft_overrides"},
      {"mmap", "use_mmap"},      {"embd", "embeddings"},    {"nopo", "no_op_offload"},
      {"noh", "no_host"},        {"lm", "load_mode"},       {"mla", "mla_attn"},
      {"amb", "attn_max_batch"}, {"gr", "reuse"},           {"rtr", "repack"},
      {"fmoe", "fused_moe"},     {"ger", "grouped_er"},     {"th", "n_threads"},
      {"n_ubatch", "n_ubatch"},  {"n_batch", "n_batch"},    {"test", "test"}};
  const auto found = fields.find(head);
  return found == fields.end() ? head : found->second;
}

std::vector<std::string> Cells(std::string_view line) {
  std::vector<std::string> cells;
  line = Trimmed(line);
  if (line.size() < 2 || line.front() != '|') return cells;
  line.remove_prefix(1);
  if (line.back() == '|') line.remove_suffix(1);
  for (;;) {
    const size_t end = line.find('|');
    cells.emplace_back(Trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return cells;
    line.remove_prefix(end + 1);
  }
}

bool IsRule(const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) {
    if (cell.empty() || cell.find_first_not_of("-: ") != std::string::npos) return false;
  }
  return !cells.empty();
}

// "3.56 GiB" in bytes, "6.74 B" in ones; as it stands where it is neither.
std::string Scaled(const std::string& text) {
  const size_t space = text.find(' ');
  if (space == std::string::npos) return text;
  const std::optional<double> number = NumberOf(text.substr(0, space));
  static const std::map<std::string, double, std::less<>> units = {{"KiB", 1024.0},
                                                                   {"MiB", 1048576.0},
                                                                   {"GiB", 1073741824.0},
                                                                   {"TiB", 1099511627776.0},
                                                                   {"K", 1e3},
                                                                   {"M", 1e6},
                                                                   {"B", 1e9},
                                                                   {"T", 1e12}};
  const auto unit = units.find(Trimmed(std::string_view(text).substr(space)));
  if (!number || unit == units.end()) return text;
  return fmt::format("{:.0f}", *number * unit->second);
}

// "51.37 ± 2.44"; the sign may have lost its encoding on the way.
void SplitRate(const std::string& cell, LlamaRecord& record) {
  const size_t end = cell.find_first_not_of("0123456789.");
  record.fields["avg_ts"] = cell.substr(0, end);
  const size_t deviation = cell.find_last_not_of("0123456789.");
  if (deviation != std::string::npos && deviation + 1 < cell.size()) {
    record.fields["stddev_ts"] = cell.substr(deviation + 1);
  }
}

// What llama.cpp prints of the GPU as it starts, where the log was kept with the table.
std::optional<std::string> DeviceOfLog(std::string_view line) {
  for (const std::string_view mark :
       {"GPU name:", "found device:", "picking default device:", "Device 0:"}) {
    const size_t at = line.find(mark);
    if (at == std::string_view::npos) continue;
    std::string_view name = line.substr(at + mark.size());
    name = Trimmed(name.substr(0, name.find(',')));
    if (!name.empty()) return std::string(name);
  }
  return std::nullopt;
}

struct Build {
  std::string commit;
  std::string number;
};

// "build: c392e5094 (4748)"
std::optional<Build> BuildOfLine(std::string_view line) {
  line = Trimmed(line);
  if (line.substr(0, 6) != "build:") return std::nullopt;
  line = Trimmed(line.substr(6));
  const size_t space = line.find(' ');
  Build build{std::string(line.substr(0, space)), {}};
  const size_t open = line.find('('), close = line.find(')');
  if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
    build.number = line.substr(open + 1, close - open - 1);
  }
  return build;
}

}  // namespace

bool IsLlamaJson(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '[' && text[first] != '{')) return false;
  return HasKey(text, "build_commit") && HasKey(text, "n_gen") &&
         (HasKey(text, "avg_ts") || HasKey(text, "samples_ts") || HasKey(text, "model_type"));
}

bool IsLlamaCsv(const std::string& text) {
  const std::string_view head = std::string_view(text).substr(0, text.find('\n'));
  return head.find("n_gen") != std::string_view::npos &&
         head.find("avg_ts") != std::string_view::npos &&
         head.find(',') != std::string_view::npos && head.find('{') == std::string_view::npos;
}

bool IsLlamaTable(const std::string& text) {
  for (const std::string_view line : LinesOf(text)) {
    if (line.find("t/s") == std::string_view::npos) continue;
    const std::vector<std::string> cells = Cells(line);
    if (cells.size() > 3 && cells[0] == "model" && cells.back() == "t/s") return true;
  }
  return false;
}

LlamaRecords ParseLlamaJson(const std::string& text, const std::string& path) {
  if (text[text.find_first_not_of(" \t\r\n")] == '{') return OfLines(text, path);
  const ParsedJson parsed = ParseJson(text, path);
  if (!parsed.error.empty()) return {{}, false, parsed.error};
  return OfList(parsed.json, path);
}

LlamaRecords ParseLlamaCsv(const std::string& text, const std::string& path) {
  const CsvTable table = ParseCsv(text);
  if (!table.error.empty()) return FailedLlama(path, table.error);
  LlamaRecords read;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    LlamaRecord record;
    record.place = fmt::format("row {}", i + 1);
    for (size_t k = 0; k < table.header.size(); ++k) {
      record.fields[table.header[k]] = table.rows[i][k];
    }
    read.records.push_back(std::move(record));
  }
  return read;
}

LlamaRecords ParseLlamaTable(const std::string& text, const std::string& path) {
  LlamaRecords read;
  read.is_printed_table = true;
  std::vector<std::string> head;
  std::string device;
  size_t without_build = 0;  // first record whose build was not told yet
  const std::vector<std::string_view> lines = LinesOf(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (const std::optional<Build> build = BuildOfLine(lines[i])) {
      for (; without_build < read.records.size(); ++without_build) {
        read.records[without_build].fields["build_commit"] = build->commit;
        read.records[without_build].fields["build_number"] = build->number;
      }
      continue;
    }
    const std::vector<std::string> cells = Cells(lines[i]);
    if (cells.empty()) {
      if (const auto told = DeviceOfLog(lines[i])) device = *told;
      continue;
    }
    if (IsRule(cells)) continue;
    if (cells[0] == "model") {
      head = cells;
      continue;
    }
    if (head.empty() || head.back() != "t/s") continue;
    if (cells.size() != head.size()) {
      return FailedLlama(path, fmt::format("line {} has {} columns, its table's head has {}", i + 1,
                                           cells.size(), head.size()));
    }
    LlamaRecord record;
    record.place = fmt::format("line {}", i + 1);
    for (size_t k = 0; k < head.size(); ++k) record.fields[FieldOfColumn(head[k])] = cells[k];
    record.fields["model_size"] = Scaled(record.fields["model_size"]);
    record.fields["model_n_params"] = Scaled(record.fields["model_n_params"]);
    SplitRate(cells.back(), record);
    record.fields.erase("t/s");
    if (!device.empty()) record.fields["gpu_info"] = device;
    read.records.push_back(std::move(record));
  }
  return read;
}

}  // namespace wattline::roofline
