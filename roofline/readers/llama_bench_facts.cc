#include "roofline/readers/llama_bench_facts.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

struct Part {
  char before = 0;  // '+' or '@'
  std::string word;
  int number = 0;
};

// "tg128@pp512" in two parts; none where the text has another form.
std::vector<Part> LabelParts(const std::string& label) {
  std::string text;
  for (const char c : label) {
    if (c != ' ') text += c;
  }
  std::vector<Part> parts;
  size_t at = 0;
  while (at < text.size()) {
    Part part;
    if (!parts.empty()) part.before = text[at++];
    const size_t digits = text.find_first_of("0123456789", at);
    if (digits == std::string::npos) return {};
    const size_t end = std::min(text.find_first_not_of("0123456789", digits), text.size());
    const std::optional<double> number = NumberOf(text.substr(digits, end - digits));
    const std::optional<int> count = number ? CountOf(*number) : std::nullopt;
    if (!count) return {};
    part.word = text.substr(at, digits - at);
    part.number = *count;
    parts.push_back(std::move(part));
    at = end;
  }
  return parts;
}

// Words between commas and pluses.
std::vector<std::string> ListOf(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = text.find_first_of(",+");
    const std::string_view word = Trimmed(text.substr(0, end));
    if (!word.empty()) words.emplace_back(word);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

}  // namespace

std::optional<LlamaTest> LlamaTestOfLabel(const std::string& label) {
  LlamaTest test;
  const std::vector<Part> parts = LabelParts(label);
  for (const Part& part : parts) {
    const bool first = part.before == 0;
    if (part.word == "pp" && first) {
      test.prompt = part.number;
    } else if (part.word == "tg" && (first || part.before == '+')) {
      test.generated = part.number;
    } else if (part.before == '@' && (part.word == "d" || (part.word == "pp" && !test.prompt))) {
      test.depth = part.number;
    } else {
      return std::nullopt;
    }
  }
  if (test.prompt == 0 && test.generated == 0) return std::nullopt;
  return test;
}

const std::string& Text(const LlamaRecord& record, const std::string& key) {
  static const std::string nothing;
  const auto found = record.fields.find(key);
  return found == record.fields.end() ? nothing : found->second;
}

// "Metal,BLAS" is llama.cpp-metal: BLAS is the CPU's part beside a GPU.
std::string BackendOf(const LlamaRecord& record) {
  std::string told = Text(record, "backends");
  // Before `backends` there was a flag for each.
  for (const char* flag : {"cuda", "vulkan", "kompute", "metal", "sycl", "gpu_blas", "blas"}) {
    if (told.empty() && Text(record, flag) == "1") told = flag;
  }
  std::vector<std::string> parts = ListOf(Lower(told));
  if (parts.empty()) return "llama.cpp-cpu";
  if (parts.size() > 1) std::erase(parts, "blas");
  std::string name = "llama.cpp";
  for (const std::string& part : parts) name += "-" + (part == "mtl" ? "metal" : part);
  return Slug(name);
}

bool IsOnCpu(const std::string& backend) {
  return backend == "llama.cpp-cpu" || backend == "llama.cpp-blas";
}

std::string ChipOf(const LlamaRecord& record) {
  const std::string& gpu = Text(record, "gpu_info");
  if (!IsOnCpu(BackendOf(record)) && !gpu.empty()) return gpu;
  // Libraries stand in the list of CPUs: "Accelerate, Apple M4".
  std::string chip;
  for (const std::string& part : ListOf(Text(record, "cpu_info"))) {
    const std::string lower = Lower(part);
    if (lower == "accelerate" || lower.find("blas") != std::string::npos) continue;
    chip += (chip.empty() ? "" : ", ") + part;
  }
  return chip;
}

bool IsSetting(const std::string& field) {
  static const std::set<std::string> others = {
      "build_commit",   "build_number", "cpu_info", "gpu_info",  "backends", "backend",
      "model_type",     "model_size",   "n_prompt", "n_depth",   "test",     "test_time",
      "model_n_params", "avg_ns",       "avg_ts",   "stddev_ns", "stddev_ts"};
  return others.count(field) == 0;
}

std::string CaseOf(const std::string& field) {
  static const std::map<std::string, std::string> shorter = {{"n_threads", "threads"},
                                                             {"flash_attn", "fa"},
                                                             {"n_gpu_layers", "ngl"},
                                                             {"n_gen", "gen"},
                                                             {"model_filename", "file"}};
  const auto found = shorter.find(field);
  return found == shorter.end() ? field : found->second;
}

}  // namespace wattline::roofline
