#include "tools/compare/flags.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace wattline::tools {
namespace {

using roofline::By;

constexpr std::array<std::pair<const char*, By>, 5> kBys = {{{"chip", By::kChip},
                                                             {"backend", By::kBackend},
                                                             {"format", By::kFormat},
                                                             {"isa", By::kIsa},
                                                             {"file", By::kFile}}};
constexpr std::array<std::pair<const char*, Shape>, 5> kShapes = {{{"table", Shape::kTable},
                                                                   {"md", Shape::kMarkdown},
                                                                   {"csv", Shape::kCsv},
                                                                   {"json", Shape::kJson},
                                                                   {"html", Shape::kHtml}}};

template <typename List, typename Value>
std::string Find(const char* flag, const List& list, const std::string& text, Value& value) {
  std::string known;
  for (const auto& [name, one] : list) {
    if (text == name) {
      value = one;
      return {};
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return fmt::format("--{}={} is not known; known: {}", flag, text, known);
}

// "5%" and "0.05" are 0.05.
std::string ReadShare(const char* flag, const std::string& text, double& share) {
  char* end = nullptr;
  share = std::strtod(text.c_str(), &end);
  const std::string rest = end;
  const bool is_number = end != text.c_str() && std::isfinite(share) && share >= 0;
  if (is_number && (rest == "%" || rest == " %") && share < 100) {
    share /= 100;
    return {};
  }
  if (is_number && rest.empty() && share < 1) return {};
  return fmt::format("--{}={} is no share; expected one such as 5% or 0.05", flag, text);
}

}  // namespace

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

CompareSettings SettingsOf(const CompareFlags& flags) {
  CompareSettings settings;
  const auto check = [&settings](std::string error) {
    if (settings.error.empty()) settings.error = std::move(error);
  };
  roofline::CompareOptions& options = settings.options;
  options.across = flags.across;
  options.baseline = flags.baseline;
  options.counters = Split(flags.counters);
  options.filter = flags.filter;
  settings.by_is_given = !flags.by.empty();
  if (settings.by_is_given) check(Find("by", kBys, flags.by, options.by));
  check(Find("output", kShapes, flags.output, settings.shape));
  check(ReadShare("same", flags.same, options.same));
  check(ReadShare("alpha", flags.alpha, options.alpha));
  if (!flags.fail_on.empty())
    check(ReadShare("fail-on", flags.fail_on, settings.fail_on.emplace()));
  if (settings.error.empty() && !(options.alpha > 0)) {
    settings.error = "--alpha=0 would never allow a verdict; expected a share such as 0.05";
  }
  return settings;
}

}  // namespace wattline::tools
