// mlx_lm.benchmark prints one line per trial (mlx_lm/benchmark.py of ml-explore/mlx-lm): the
// lengths before them, the model nowhere. A text may hold several runs, and the commands that made
// them.
#include "roofline/readers/mlx_lm.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "roofline/readers/foreign.h"
#include "roofline/readers/model_names.h"

namespace wattline::roofline {
namespace {

constexpr const char* kBackend = "mlx";
// Its own lines have a hundred bytes.
constexpr size_t kLongestLine = 4096;

struct Trial {
  std::string place;  // "line 3"
  std::map<std::string, double> figures;
};

// One "Timing with ..." and what follows it.
struct MlxLmRun {
  std::string model;  // of the command before it; empty where there is none
  std::optional<int> prompt, generated, batch;
  std::vector<Trial> trials;
  std::optional<Trial> averages;
};

// "key=value" pairs, values as they stand.
std::map<std::string, std::string> Pairs(std::string_view line) {
  std::map<std::string, std::string> pairs;
  for (size_t at = 0; (at = line.find('=', at)) != std::string_view::npos; ++at) {
    const size_t begin = line.find_last_of(" ,:(", at);
    const std::string_view key =
        line.substr(begin == std::string_view::npos ? 0 : begin + 1,
                    at - (begin == std::string_view::npos ? 0 : begin + 1));
    std::string_view value = line.substr(at + 1);
    value = Trimmed(value.substr(0, value.find_first_of(", )\r")));
    while (!value.empty() && value.back() == '.') value.remove_suffix(1);
    pairs[std::string(key)] = value;
  }
  return pairs;
}

// What follows "--model" on a line of a command.
std::optional<std::string> ModelOfCommand(std::string_view line) {
  if (line.find("mlx_lm") == std::string_view::npos) return std::nullopt;
  const size_t at = line.find("--model");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + 7);
  const size_t begin = rest.find_first_not_of(" =\t\"'");
  if (begin == std::string_view::npos) return std::nullopt;
  rest = rest.substr(begin);
  const std::string model = WithoutFolders(rest.substr(0, rest.find_first_of(" \t\r\"'")));
  return model.empty() ? std::nullopt : std::optional(model);
}

// "mlx_lm-benchmark" names a program; what is left without such words may name a model.
std::string ModelOfFile(const std::string& path) {
  static const std::set<std::string> others = {"mlx",   "lm",      "mlxlm",  "benchmark",
                                               "bench", "run",     "result", "log",
                                               "out",   "results", "output"};
  std::string model;
  std::string word;
  for (const char c : Slug(WithoutEnding(WithoutFolders(path))) + "-") {
    if (c != '-' && c != '_') {
      word += c;
      continue;
    }
    const bool is_date = word.find_first_not_of("0123456789") == std::string::npos;
    if (!word.empty() && others.count(word) == 0 && !is_date) {
      model += (model.empty() ? "" : "-") + word;
    }
    word.clear();
  }
  return model;
}

class MlxLmReading {
 public:
  explicit MlxLmReading(std::string path) : path_(std::move(path)) {}
  ReadMany Read(const std::string& text);

 private:
  void ReadLine(std::string_view line, const std::string& place);
  void BeginRun(std::string_view line);
  std::optional<Trial> ReadTrial(std::string_view line, const std::string& place);
  void AddRun(const MlxLmRun& run, Results& results);
  Address AddressOf(const MlxLmRun& run);
  void AddTrial(const MlxLmRun& run, const Trial& trial, const Address& base, const char* aggregate,
                std::vector<Row>& rows);
  void CheckAverages(const MlxLmRun& run, Results& results) const;

  std::string path_;
  std::string fault_;
  std::string model_;
  std::vector<MlxLmRun> runs_;
  LeftOutRows left_out_;
  bool named_by_file_ = false, unnamed_ = false, format_unknown_ = false, other_length_ = false;
};

void MlxLmReading::BeginRun(std::string_view line) {
  MlxLmRun run;
  run.model = model_;
  const std::map<std::string, std::string> told = Pairs(line);
  const auto count = [&](const char* key) -> std::optional<int> {
    const auto found = told.find(key);
    if (found == told.end()) return std::nullopt;
    const std::optional<double> number = NumberOf(found->second);
    return number ? CountOf(*number) : std::nullopt;
  };
  run.prompt = count("prompt_tokens");
  run.generated = count("generation_tokens");
  run.batch = count("batch_size");
  runs_.push_back(std::move(run));
}

std::optional<Trial> MlxLmReading::ReadTrial(std::string_view line, const std::string& place) {
  Trial trial{place, {}};
  for (const auto& [key, value] : Pairs(line)) {
    const std::optional<double> number = NumberOf(value);
    if (!number) {
      if (fault_.empty()) {
        fault_ = fmt::format("{}: {}: {} is '{}', not a number", path_, place, PlainText(key, 40),
                             PlainText(value, 40));
      }
      return std::nullopt;
    }
    trial.figures[key] = *number;
  }
  return trial;
}

void MlxLmReading::ReadLine(std::string_view line, const std::string& place) {
  line = Trimmed(line);
  if (line.size() > kLongestLine) return;
  if (const auto model = ModelOfCommand(line)) {
    model_ = *model;
  } else if (line.substr(0, 11) == "Timing with") {
    BeginRun(line);
  } else if (line.find("prompt_tps=") != std::string_view::npos) {
    const bool is_trial = line.substr(0, 5) == "Trial";
    const bool is_average = line.substr(0, 8) == "Averages";
    if (!is_trial && !is_average) {
      return left_out_.Add("they are neither of a trial nor the averages");
    }
    if (runs_.empty()) return left_out_.Add("the lengths are not told before them");
    if (const std::optional<Trial> trial = ReadTrial(line, place)) {
      if (is_trial) runs_.back().trials.push_back(*trial);
      if (is_average) runs_.back().averages = *trial;
    }
  }
}

Address MlxLmReading::AddressOf(const MlxLmRun& run) {
  std::string model = run.model;
  if (model.empty()) {
    model = ModelOfFile(path_);
    (model.empty() ? unnamed_ : named_by_file_) = true;
  }
  const std::optional<std::string> format = FormatOfMlx(model);
  format_unknown_ = format_unknown_ || !format;
  return {
      "decode", KnownModel(model).value_or(Slug(model)), format.value_or("unknown"), {}, kBackend};
}

void MlxLmReading::AddTrial(const MlxLmRun& run, const Trial& trial, const Address& base,
                            const char* aggregate, std::vector<Row>& rows) {
  const double batch = run.batch.value_or(1);
  const double generated = run.generated.value_or(0);
  const auto row_of = [&](const char* key, const char* length) -> std::optional<Row> {
    const auto rate = trial.figures.find(key);
    if (rate == trial.figures.end()) {
      left_out_.Add(fmt::format("they have no {}", key));
      return std::nullopt;
    }
    Address address = base;
    address.cases.emplace_back(length, NumberText(*run.prompt));
    if (batch != 1) address.cases.emplace_back("batch", NumberText(batch));
    Row row = RowNamed(address);
    row.aggregate = aggregate;
    row.source = "mlx_lm.benchmark";
    row.counters["tok/s"] = rate->second;
    const auto peak = trial.figures.find("peak_memory");
    if (peak != trial.figures.end()) row.counters["peak_GB"] = peak->second;
    return row;
  };
  if (std::optional<Row> row = row_of("prompt_tps", "prefill")) {
    const double rate = row->counters["tok/s"];
    if (rate > 0) row->time_s = *run.prompt * batch / rate;
    // A batch's prompts are processed in parts: no first token's time follows from their rate.
    if (rate > 0 && batch == 1) row->counters["TTFT_ms"] = row->time_s * 1e3;
    rows.push_back(std::move(*row));
  }
  if (std::optional<Row> row = row_of("generation_tps", "ctx")) {
    const double rate = row->counters["tok/s"];
    if (rate > 0) row->counters["TPOT_ms"] = batch / rate * 1e3;
    if (rate > 0 && generated == kGeneratedTokens) row->time_s = generated * batch / rate;
    rows.push_back(std::move(*row));
  }
  other_length_ = other_length_ || generated != kGeneratedTokens;
}

void MlxLmReading::CheckAverages(const MlxLmRun& run, Results& results) const {
  if (!run.averages || run.trials.empty()) return;
  for (const char* key : {"prompt_tps", "generation_tps"}) {
    double sum = 0;
    size_t count = 0;
    for (const Trial& trial : run.trials) {
      const auto found = trial.figures.find(key);
      if (found == trial.figures.end()) continue;
      sum += found->second;
      ++count;
    }
    const auto told = run.averages->figures.find(key);
    if (count == 0 || told == run.averages->figures.end()) continue;
    const double mean = sum / static_cast<double>(count);
    if (std::abs(mean - told->second) <= 0.01 * std::abs(mean)) continue;
    results.remarks.push_back(
        fmt::format("{}: {}: the average {} of {} is not that of its {} trials, {:.3f}: trials are "
                    "missing from the text",
                    path_, run.averages->place, key, told->second, count, mean));
  }
}

void MlxLmReading::AddRun(const MlxLmRun& run, Results& results) {
  if (!run.prompt) return left_out_.Add("their run does not tell prompt_tokens");
  const Address base = AddressOf(run);
  for (const Trial& trial : run.trials) AddTrial(run, trial, base, "", results.rows);
  if (run.trials.empty() && run.averages) {
    AddTrial(run, *run.averages, base, "mean", results.rows);
  }
  CheckAverages(run, results);
}

ReadMany MlxLmReading::Read(const std::string& text) {
  const std::vector<std::string_view> lines = LinesOf(text);
  for (size_t i = 0; i < lines.size() && fault_.empty(); ++i) {
    ReadLine(lines[i], fmt::format("line {}", i + 1));
  }
  if (!fault_.empty()) return {{}, fault_};
  Results results;
  results.path = path_;
  results.tool = "mlx_lm.benchmark";
  results.source = "mlx_lm.benchmark";
  results.machine.backends[kBackend] = "MLX, version not told";
  for (const MlxLmRun& run : runs_) AddRun(run, results);
  if (results.rows.empty()) {
    return {{},
            fmt::format("{} has no trial of mlx_lm.benchmark behind a line 'Timing with "
                        "prompt_tokens=...': keep that line",
                        path_)};
  }
  FinishRows(results.rows);
  left_out_.Tell(path_, results.remarks);
  const auto remark = [&](bool holds, std::string_view what) {
    if (holds) results.remarks.push_back(fmt::format("{}: {}", path_, what));
  };
  remark(named_by_file_, "the text does not name its model: the name is the file's");
  remark(unnamed_, "neither the text nor the file's name tells the model: name the file after it");
  remark(format_unknown_, "the weights' format is not told: rows have the format 'unknown'");
  remark(other_length_,
         fmt::format("decode rows generated other than the {:g} tokens of ours: rates "
                     "are kept, times are not",
                     kGeneratedTokens));
  remark(true, "it does not tell the chip");
  const nlohmann::json context = {{"tool", results.tool}, {"source", results.source}};
  results.context = context.dump();
  return {{std::move(results)}, {}};
}

bool RecognisesMlxLm(const std::string& text) {
  return text.find("prompt_tps=") != std::string::npos &&
         text.find("generation_tps=") != std::string::npos;
}

ReadMany ReadMlxLm(const std::string& text, const std::string& path) {
  return MlxLmReading(path).Read(text);
}

}  // namespace

const Reader kMlxLm = {"mlx_lm.benchmark", "what mlx_lm.benchmark prints", RecognisesMlxLm,
                       ReadMlxLm};

}  // namespace wattline::roofline
