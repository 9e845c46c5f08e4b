#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "benchmarks/context.h"

namespace wattline::benchmarks {

std::string ChipSlug(const std::string& chip, std::optional<int> family, std::optional<int> model) {
  std::string name;
  for (const char c : chip) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const auto cut = [&name](std::string_view what) {
    for (size_t at = 0; (at = name.find(what)) != std::string::npos;) {
      name.erase(at, what.size());
    }
  };
  cut("(r)");
  cut("(tm)");
  // "Intel Core CPU @ 2.30GHz", "AMD Ryzen 9 5950X 16-Core Processor", "w/ Radeon Graphics".
  for (const std::string_view tail : {" @ ", " w/ ", " with "}) {
    name = name.substr(0, name.find(tail));
  }
  if (const size_t core = name.find("-core processor"); core != std::string::npos) {
    name = name.substr(0, name.rfind(' ', core));
  }
  std::string slug;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (slug.ends_with('-')) slug.pop_back();
  if (slug.ends_with("-cpu")) slug.resize(slug.size() - 4);
  if (slug.empty()) slug = "unknown";
  const bool numbered = std::any_of(slug.begin(), slug.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  if (!numbered && family && model) slug += fmt::format("-f{}m{}", *family, *model);
  return slug;
}

}  // namespace wattline::benchmarks
