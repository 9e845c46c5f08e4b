// gcc 12 with -fsanitize takes std::regex's own members for uninitialised (its bug 105562).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "benchmarks/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

namespace wattline::benchmarks {
namespace {

// The filter as a reader sees it: `llama-3\.2-1b` names llama-3.2-1b.
std::string WithoutBackslashes(std::string filter) {
  std::erase(filter, '\\');
  return filter;
}

std::vector<std::string> Parts(const std::string& name) {
  std::vector<std::string> parts(1);
  for (char c : name) {
    if (c == '/') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

bool FilterTakes(const std::string& filter, const std::string& name) {
  const bool negated = !filter.empty() && filter[0] == '-';
  return std::regex_search(name, std::regex(negated ? filter.substr(1) : filter)) != negated;
}

std::vector<const Row*> SelectRows(const std::vector<Row>& rows, const std::string& filter,
                                   bool full_sweep) {
  const bool negated = !filter.empty() && filter[0] == '-';
  const std::regex pattern(negated ? filter.substr(1) : filter);
  const std::string said = WithoutBackslashes(filter);
  std::vector<const Row*> selected;
  for (const Row& row : rows) {
    const bool named =
        !negated && std::all_of(row.words.begin(), row.words.end(), [&said](const std::string& w) {
          return said.find(w) != std::string::npos;
        });
    if (!full_sweep && !row.words.empty() && !named) continue;
    if (std::regex_search(row.name, pattern) != negated) selected.push_back(&row);
  }
  return selected;
}

std::string NameFault(const std::string& name) {
  static const std::regex kWord("[A-Za-z0-9_.+-]+");
  static const std::regex kCase("[a-z0-9_]+:[A-Za-z0-9_.+-]+");
  const std::vector<std::string> parts = Parts(name);
  if (parts.size() < 4) return fmt::format("'{}' has fewer than four parts", name);
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_case = i >= 3 && i + 1 < parts.size();
    if (!std::regex_match(parts[i], is_case ? kCase : kWord)) {
      return fmt::format("part '{}' of '{}' breaks the grammar", parts[i], name);
    }
  }
  return {};
}

}  // namespace wattline::benchmarks
