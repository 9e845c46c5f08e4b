#include "roofline/readers/model_names.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

struct Known {
  const char* name;          // ours, and how files of it are called
  const char* architecture;  // as llama.cpp calls it
  double params;             // of the repository's safetensors index, on huggingface.co
};

constexpr std::array<Known, 24> kKnown = {{
    {"tinyllama-1.1b", "llama", 1100048384.0}, {"llama-3.2-1b", "llama", 1235814400.0},
    {"llama-2-7b", "llama", 6738415616.0},     {"mistral-7b", "llama", 7241732096.0},
    {"llama-3-8b", "llama", 8030261248.0},     {"smollm2-135m", "llama", 134515008.0},
    {"llama-3.2-3b", "llama", 3212749824.0},   {"llama-3.1-8b", "llama", 8030261248.0},
    {"llama-3-70b", "llama", 70553706496.0},   {"llama-3.1-405b", "llama", 405853388800.0},
    {"llama-3.1-70b", "llama", 70553706496.0}, {"llama-2-13b", "llama", 13015864320.0},
    {"llama-2-70b", "llama", 68976648192.0},   {"mistral-nemo-12b", "llama", 12247782400.0},
    {"smollm2-360m", "llama", 361821120.0},    {"mistral-small-24b", "llama", 23572403200.0},
    {"smollm2-1.7b", "llama", 1711376384.0},   {"qwen2.5-0.5b", "qwen2", 494032768.0},
    {"qwen2.5-1.5b", "qwen2", 1543714304.0},   {"qwen2.5-3b", "qwen2", 3085938688.0},
    {"qwen2.5-7b", "qwen2", 7615616512.0},     {"qwen2.5-14b", "qwen2", 14770033664.0},
    {"qwen2.5-32b", "qwen2", 32763876352.0},   {"qwen2.5-72b", "qwen2", 72706203648.0},
}};

bool IsWordCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// `word` stands in the text with no letter or digit beside it.
bool HasWord(std::string_view text, std::string_view word) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; ++at) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || !IsWordCharacter(text[at - 1]);
    const bool ends = end == text.size() || !IsWordCharacter(text[end]);
    if (begins && ends) return true;
  }
  return false;
}

struct GgufType {
  std::string architecture;  // "llama"
  std::string size;          // "8B", "30B.A3B"; empty where there is none
  std::string format;        // "Q4_K - Medium"
};

// "8B", "1.5B", "135M", "30B.A3B", "?B"
bool IsSize(std::string_view word) {
  if (word.empty() || (word[0] != '?' && (word[0] < '0' || word[0] > '9'))) return false;
  const size_t letter = word.find_first_of("BM");
  return letter != std::string_view::npos &&
         word.substr(0, letter).find_first_not_of("0123456789.?x") == std::string_view::npos;
}

GgufType SplitType(std::string_view type) {
  type = Trimmed(type);
  GgufType parts;
  const size_t first = type.find(' ');
  parts.architecture = Lower(type.substr(0, first));
  if (first == std::string_view::npos) return parts;
  std::string_view rest = Trimmed(type.substr(first));
  const size_t second = rest.find(' ');
  if (IsSize(rest.substr(0, second))) {
    parts.size = rest.substr(0, second);
    rest = second == std::string_view::npos ? std::string_view() : Trimmed(rest.substr(second));
  }
  parts.format = rest;
  return parts;
}

void Replace(std::string& text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

}  // namespace

std::optional<std::string> KnownModel(std::string_view text) {
  std::string lower = Lower(text);
  for (char& c : lower) {
    if (!IsWordCharacter(c) && c != '.') c = '-';
  }
  // How else files and repositories write them.
  for (const auto& [theirs, ours] :
       std::initializer_list<std::pair<const char*, const char*>>{{"llama2-", "llama-2-"},
                                                                  {"llama3-", "llama-3-"},
                                                                  {"llama3.1-", "llama-3.1-"},
                                                                  {"llama3.2-", "llama-3.2-"},
                                                                  {"qwen-2.5-", "qwen2.5-"}}) {
    Replace(lower, theirs, ours);
  }
  for (const Known& known : kKnown) {
    if (HasWord(lower, known.name)) return known.name;
  }
  if (HasWord(lower, "mistral-nemo")) return "mistral-nemo-12b";
  return std::nullopt;
}

ModelName ModelOfGguf(std::string_view type, double params, double within, std::string_view file) {
  const GgufType parts = SplitType(type);
  const std::optional<std::string> by_file = KnownModel(file);
  std::vector<const Known*> candidates;
  for (const Known& known : kKnown) {
    if (parts.architecture != known.architecture || !(params > 0)) continue;
    if (std::abs(params - known.params) <= within * known.params) candidates.push_back(&known);
  }
  if (candidates.empty()) {
    if (parts.size.empty() || parts.size[0] == '?') {
      if (by_file && !(params > 0)) return {*by_file, {}};
      return {Slug(params > 0 ? fmt::format("{}-{:.3g}b", parts.architecture, params * 1e-9)
                              : parts.architecture),
              {}};
    }
    return {Slug(parts.architecture + "-" + parts.size), {}};
  }
  for (const Known* known : candidates) {
    if (by_file == known->name) return {*by_file, {}};
  }
  if (candidates.size() == 1) return {candidates[0]->name, {}};
  // Files of Llama 3.1 count their 64 rope factors as parameters, those of Llama 3 have none.
  for (const Known* known : candidates) {
    const bool is_31 = std::string_view(known->name).find("3.1") != std::string_view::npos;
    if (params - known->params == (is_31 ? 64 : 0)) return {known->name, {}};
  }
  return {candidates[0]->name,
          fmt::format("'{}' of {:.3g}e9 parameters is {} or {}: their shapes are alike",
                      PlainText(type), params * 1e-9, candidates[0]->name, candidates[1]->name)};
}

std::string FormatOfGguf(std::string_view type) {
  std::string format = Lower(SplitType(type).format);
  for (const char* word : {"(guessed)", "mostly ", "all ", " moe"}) Replace(format, word, "");
  // "IQ4_XS - 4.25 bpw": the bits follow from the format.
  const size_t bits = format.find(" bpw");
  const size_t dash = format.find(" - ");
  if (bits != std::string::npos && dash != std::string::npos) format.resize(dash);
  Replace(format, " - small", "_s");
  Replace(format, " - medium", "_m");
  Replace(format, " - large", "_l");
  const std::string_view trimmed = Trimmed(format);
  if (trimmed == "q2_k_m") return "q2_k";  // llama.cpp's quantize calls it so
  return trimmed.empty() ? "unknown" : Slug(trimmed);
}

std::optional<std::string> FormatOfMlx(std::string_view model) {
  const std::string lower = Lower(model);
  for (const char* bits : {"2", "3", "4", "5", "6", "8"}) {
    for (const char* form : {"{}bit", "{}-bit", "q{}"}) {
      if (HasWord(lower, fmt::format(fmt::runtime(form), bits))) {
        return fmt::format("mlx_{}bit", bits);
      }
    }
  }
  if (HasWord(lower, "bf16")) return "bf16";
  if (HasWord(lower, "fp16") || HasWord(lower, "f16")) return "f16";
  if (HasWord(lower, "mxfp4")) return "mxfp4";
  return std::nullopt;
}

std::string FormatOfTorch(std::string_view dtype) {
  std::string name = Lower(dtype);
  if (const size_t dot = name.rfind('.'); dot != std::string::npos) name.erase(0, dot + 1);
  if (name == "float16" || name == "fp16") return "f16";
  if (name == "bfloat16") return "bf16";
  if (name == "float32" || name == "fp32") return "f32";
  return Slug(name);
}

}  // namespace wattline::roofline
