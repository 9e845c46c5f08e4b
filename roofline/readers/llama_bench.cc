// llama-bench's tests as rows: pp N is decode/MODEL/FORMAT/prefill:N/llama.cpp-BACKEND, tg N behind
// a depth D is .../ctx:D/...; whatever else was varied in the file becomes a case (fa:1,
// threads:8).
#include "roofline/readers/llama_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "roofline/readers/foreign.h"
#include "roofline/readers/llama_bench_facts.h"
#include "roofline/readers/llama_bench_records.h"
#include "roofline/readers/model_names.h"

namespace wattline::roofline {
namespace {

// Beyond these a file is hostile: what is done for each of them with each test would take hours.
constexpr size_t kMostMachines = 100;
constexpr size_t kMostVariants = 16;

class LlamaBenchReading {
 public:
  LlamaBenchReading(const LlamaRecords& records, std::string path)
      : records_(records), path_(std::move(path)) {}
  ReadMany Read();

 private:
  struct Entry {
    const LlamaRecord* record = nullptr;
    LlamaTest test;
    Address address;
    size_t machine = 0;
    double tokens() const { return test.prompt + test.generated; }
  };

  std::optional<double> Number(const LlamaRecord& record, const char* key);
  int Count(const LlamaRecord& record, const char* key);
  void Fault(const LlamaRecord& record, const std::string& what);

  std::optional<LlamaTest> TestOf(const LlamaRecord& record);
  bool IsPromptUntimed(const LlamaRecord& record, const LlamaTest& test);
  Address AddressOf(const LlamaRecord& record, const LlamaTest& test);
  size_t MachineOf(const LlamaRecord& record, const std::string& backend);
  void TellVariants(std::vector<Entry>& entries) const;
  void AddRows(const Entry& entry);
  Row MakeRow(const Entry& entry, double tok_per_s, double time_s);
  void WriteContexts(const std::vector<Entry>& entries);
  void TellRemarks();

  const LlamaRecords& records_;
  std::string path_;
  std::string fault_;
  std::vector<Results> machines_;
  LeftOutRows left_out_;
  std::set<std::string> unsure_;
  size_t means_ = 0;
  size_t other_lengths_ = 0;
  size_t moved_means_ = 0;
};

void LlamaBenchReading::Fault(const LlamaRecord& record, const std::string& what) {
  if (fault_.empty()) fault_ = fmt::format("{}: {}: {}", path_, record.place, what);
}

std::optional<double> LlamaBenchReading::Number(const LlamaRecord& record, const char* key) {
  const std::string& text = Text(record, key);
  if (text.empty()) return std::nullopt;
  const std::optional<double> number = NumberOf(text);
  if (!number) Fault(record, fmt::format("{} is '{}', not a number", key, PlainText(text, 40)));
  return number;
}

int LlamaBenchReading::Count(const LlamaRecord& record, const char* key) {
  const std::optional<double> number = Number(record, key);
  if (!number) return 0;
  const std::optional<int> count = CountOf(*number);
  if (!count) Fault(record, fmt::format("{} is {:g}, not a count of tokens", key, *number));
  return count.value_or(0);
}

// ik_llama.cpp's -gp: n_prompt and n_gen are told of both, but only the generation is timed. Its
// rate times its time says of how many tokens.
bool LlamaBenchReading::IsPromptUntimed(const LlamaRecord& record, const LlamaTest& test) {
  const std::optional<double> ts = Number(record, "avg_ts"), ns = Number(record, "avg_ns");
  if (!ts || !ns || test.prompt == 0 || test.generated == 0) return false;
  return std::abs(*ts * *ns * 1e-9 - test.generated) < 0.05 * test.generated;
}

std::optional<LlamaTest> LlamaBenchReading::TestOf(const LlamaRecord& record) {
  if (const std::string& label = Text(record, "test"); !label.empty()) {
    const std::optional<LlamaTest> test = LlamaTestOfLabel(label);
    if (!test) left_out_.Add(fmt::format("test '{}' is not known", PlainText(label, 40)));
    return test;
  }
  LlamaTest test{Count(record, "n_prompt"), Count(record, "n_gen"), Count(record, "n_depth")};
  if (test.prompt == 0 && test.generated == 0) {
    left_out_.Add("they tell neither n_prompt nor n_gen");
    return std::nullopt;
  }
  if (IsPromptUntimed(record, test)) {
    test.depth += test.prompt;
    test.prompt = 0;
  }
  return test;
}

Address LlamaBenchReading::AddressOf(const LlamaRecord& record, const LlamaTest& test) {
  const std::string& type = Text(record, "model_type");
  const ModelName model = ModelOfGguf(type, Number(record, "model_n_params").value_or(0),
                                      records_.is_printed_table ? 0.005 : 0.002,
                                      WithoutFolders(Text(record, "model_filename")));
  if (!model.remark.empty()) unsure_.insert(model.remark);
  Address address{"decode", model.name, FormatOfGguf(type), {}, BackendOf(record)};
  if (test.prompt > 0 && test.generated > 0) {
    // One rate of both: neither a prefill row nor a decode row of ours.
    address.cases.emplace_back("prompt", NumberText(test.prompt));
    address.cases.emplace_back("gen", NumberText(test.generated));
  } else if (test.prompt > 0) {
    address.cases.emplace_back("prefill", NumberText(test.prompt));
  } else {
    address.cases.emplace_back("ctx", NumberText(test.depth));
  }
  if (test.prompt > 0 && test.depth > 0) {
    address.cases.emplace_back("depth", NumberText(test.depth));
  }
  // A GPU's build that was told to leave the model on the CPU.
  if (!IsOnCpu(address.backend) && Text(record, "n_gpu_layers") == "0")
    address.cases.emplace_back("ngl", "0");
  return address;
}

size_t LlamaBenchReading::MachineOf(const LlamaRecord& record, const std::string& backend) {
  const std::string chip = PlainText(ChipOf(record));
  const std::string commit = PlainText(Text(record, "build_commit"), 40);
  const std::string number = PlainText(Text(record, "build_number"), 20);
  for (size_t i = 0; i < machines_.size(); ++i) {
    Results& known = machines_[i];
    if (known.machine.chip == chip && known.machine.commit == commit) {
      known.machine.backends.try_emplace(backend, "");
      return i;
    }
  }
  if (machines_.size() == kMostMachines) {
    Fault(record,
          fmt::format("more than {} chips and builds in one file: it is none of llama-bench",
                      kMostMachines));
    return 0;
  }
  Results results;
  results.path = path_;
  results.tool = "llama-bench";
  results.source = "llama-bench";
  if (!number.empty()) results.source += " build " + number;
  if (!commit.empty()) results.source += " (" + commit + ")";
  SetChip(results.machine, chip);
  results.machine.commit = commit;
  results.machine.backends[backend] = "";
  machines_.push_back(std::move(results));
  return machines_.size() - 1;
}

// Tests of one name that differ in a setting get it as a case; those that differ in nothing are
// runs of one row.
void LlamaBenchReading::TellVariants(std::vector<Entry>& entries) const {
  std::map<std::pair<size_t, std::string>, std::vector<Entry*>> groups;
  for (Entry& entry : entries) groups[{entry.machine, NameText(entry.address)}].push_back(&entry);
  for (auto& [name, group] : groups) {
    if (group.size() < 2) continue;
    std::map<std::string, std::set<std::string>> values;
    for (const Entry* entry : group) {
      for (const auto& [key, value] : entry->record->fields) {
        if (IsSetting(key)) values[key].insert(value);
      }
    }
    std::erase_if(values, [](const auto& one) { return one.second.size() < 2; });
    if (values.size() > kMostVariants) continue;
    for (const auto& [key, told] : values) {
      for (Entry* entry : group) {
        const std::string& value = Text(*entry->record, key);
        const std::string word = key == "model_filename" ? WithoutFolders(value) : value;
        const bool has = !entry->address.Case(CaseOf(key)).empty();
        if (!has) entry->address.cases.emplace_back(CaseOf(key), Slug(word));
      }
    }
  }
}

Row LlamaBenchReading::MakeRow(const Entry& entry, double tok_per_s, double time_s) {
  const LlamaTest& test = entry.test;
  Row row = RowNamed(entry.address);
  row.source = machines_[entry.machine].source;
  row.label = PlainText(WithoutFolders(Text(*entry.record, "model_filename")), 80);
  row.counters["tok/s"] = tok_per_s;
  const bool is_prefill = test.prompt > 0 && test.generated == 0;
  const bool is_decode = test.prompt == 0;
  // The printed table has rates only.
  const double took_s = time_s > 0 ? time_s : tok_per_s > 0 ? entry.tokens() / tok_per_s : 0;
  if (is_prefill && test.depth == 0 && took_s > 0) row.counters["TTFT_ms"] = took_s * 1e3;
  if (is_decode && took_s > 0) row.counters["TPOT_ms"] = took_s / test.generated * 1e3;
  if (const auto byte = Number(*entry.record, "model_size")) {
    row.counters["weights_GB"] = *byte * 1e-9;
  }
  if (!is_decode || test.generated == kGeneratedTokens) row.time_s = time_s;
  return row;
}

void LlamaBenchReading::AddRows(const Entry& entry) {
  const LlamaRecord& record = *entry.record;
  if (entry.test.prompt == 0 && entry.test.generated != kGeneratedTokens) ++other_lengths_;
  std::vector<Row>& rows = machines_[entry.machine].rows;
  std::vector<double> rates = record.samples_ts;
  const std::vector<double>& times_ns = record.samples_ns;
  if (!rates.empty() && !times_ns.empty() && rates.size() != times_ns.size()) {
    return Fault(record, fmt::format("samples_ts has {} values and samples_ns {}", rates.size(),
                                     times_ns.size()));
  }
  if (rates.empty()) {
    for (const double ns : times_ns) {
      if (ns > 0) rates.push_back(entry.tokens() * 1e9 / ns);
    }
    if (rates.size() != times_ns.size()) rates.clear();
  }
  const std::optional<double> mean = Number(record, "avg_ts");
  if (rates.empty()) {
    const std::optional<double> mean_ns = Number(record, "avg_ns");
    if (!mean) return left_out_.Add("they have no rate");
    Row row = MakeRow(entry, *mean, mean_ns.value_or(0) * 1e-9);
    row.aggregate = "mean";
    if (const auto deviation = Number(record, "stddev_ts")) {
      row.label += fmt::format("{}standard deviation {:.4g} tok/s", row.label.empty() ? "" : ", ",
                               *deviation);
    }
    rows.push_back(std::move(row));
    ++means_;
    return;
  }
  double sum = 0;
  for (size_t i = 0; i < rates.size(); ++i) {
    sum += rates[i];
    rows.push_back(MakeRow(entry, rates[i], i < times_ns.size() ? times_ns[i] * 1e-9 : 0));
  }
  const double own_mean = sum / static_cast<double>(rates.size());
  if (mean && std::abs(*mean - own_mean) > 0.01 * std::abs(own_mean)) ++moved_means_;
}

// What all tests of the machine have in common goes into its context.
void LlamaBenchReading::WriteContexts(const std::vector<Entry>& entries) {
  static const std::set<std::string> settings = {
      "n_batch",      "n_ubatch",   "n_threads",     "type_k",        "type_v",
      "n_gpu_layers", "split_mode", "no_kv_offload", "flash_attn",    "use_mmap",
      "load_mode",    "cpu_strict", "poll",          "no_op_offload", "n_cpu_moe",
      "embeddings",   "mla_attn",   "fused_moe",     "repack",        "use_thp"};
  for (size_t i = 0; i < machines_.size(); ++i) {
    Results& results = machines_[i];
    std::map<std::string, std::set<std::string>> values;
    std::string cpu, gpu;
    for (const Entry& entry : entries) {
      if (entry.machine != i) continue;
      for (const std::string& key : settings) values[key].insert(Text(*entry.record, key));
      cpu = PlainText(Text(*entry.record, "cpu_info"));
      gpu = PlainText(Text(*entry.record, "gpu_info"));
    }
    nlohmann::json context = {{"tool", results.tool}, {"source", results.source}};
    if (!results.machine.chip.empty()) context["chip"] = results.machine.chip;
    if (!cpu.empty()) context["cpu_info"] = cpu;
    if (!gpu.empty()) context["gpu_info"] = gpu;
    if (!results.machine.commit.empty()) context["commit"] = results.machine.commit;
    for (const auto& [key, told] : values) {
      if (told.size() != 1 || told.begin()->empty()) continue;
      context["settings"][key] = PlainText(*told.begin(), 40);
      if (key == "n_threads") {
        const std::optional<double> threads = NumberOf(*told.begin());
        if (threads) results.machine.threads = CountOf(*threads);
        if (results.machine.threads) context["threads"] = *results.machine.threads;
      }
    }
    for (auto& [name, told] : results.machine.backends) {
      told = results.source;
      context["backends"][name] = told;
    }
    results.context = context.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

void LlamaBenchReading::TellRemarks() {
  std::vector<std::string>& remarks = machines_[0].remarks;
  left_out_.Tell(path_, remarks);
  if (means_ > 0) {
    remarks.push_back(fmt::format(
        "{}: {} with a mean and a standard deviation but no runs: each counts as one sample; -o "
        "json and jsonl have the runs",
        path_, Counted(means_, "row")));
  }
  if (records_.is_printed_table) {
    remarks.push_back(fmt::format(
        "{}: figures of a printed table are rounded to two decimals, weights_GB with them", path_));
  }
  if (other_lengths_ > 0) {
    remarks.push_back(fmt::format(
        "{}: {} generated other than the {:g} tokens of ours: rates are kept, times are not", path_,
        Counted(other_lengths_, "test"), kGeneratedTokens));
  }
  if (moved_means_ > 0) {
    remarks.push_back(
        fmt::format("{}: avg_ts of {} is more than 1 % off the mean of its runs; the runs count",
                    path_, Counted(moved_means_, "test")));
  }
  for (const std::string& remark : unsure_) remarks.push_back(path_ + ": " + remark);
  for (Results& results : machines_) {
    if (!results.machine.chip.empty()) continue;
    results.remarks.push_back(path_ + ": it does not tell the chip");
  }
}

ReadMany LlamaBenchReading::Read() {
  std::vector<Entry> entries;
  for (const LlamaRecord& record : records_.records) {
    const std::optional<LlamaTest> test = TestOf(record);
    if (!fault_.empty()) break;
    if (!test) continue;
    Entry entry{&record, *test, AddressOf(record, *test), 0};
    entry.machine = MachineOf(record, Slug(entry.address.backend));
    entries.push_back(std::move(entry));
  }
  TellVariants(entries);
  for (const Entry& entry : entries) {
    if (fault_.empty()) AddRows(entry);
  }
  if (!fault_.empty()) return {{}, fault_};
  if (machines_.empty()) {
    return {{}, fmt::format("{} has no test of llama-bench that can be read", path_)};
  }
  WriteContexts(entries);
  TellRemarks();
  for (Results& results : machines_) FinishRows(results.rows);
  return {std::move(machines_), {}};
}

bool RecognisesLlamaBench(const std::string& text) {
  return IsLlamaJson(text) || IsLlamaCsv(text) || IsLlamaTable(text);
}

ReadMany ReadLlamaBench(const std::string& text, const std::string& path) {
  const LlamaRecords records = IsLlamaJson(text)  ? ParseLlamaJson(text, path)
                               : IsLlamaCsv(text) ? ParseLlamaCsv(text, path)
                                                  : ParseLlamaTable(text, path);
  if (!records.error.empty()) return {{}, records.error};
  return LlamaBenchReading(records, path).Read();
}

}  // namespace

const Reader kLlamaBench = {"llama-bench", "llama-bench -o json, jsonl, csv or md",
                            RecognisesLlamaBench, ReadLlamaBench};

}  // namespace wattline::roofline
