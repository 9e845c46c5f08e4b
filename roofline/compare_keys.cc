#include "roofline/compare_keys.h"

#include <algorithm>

namespace wattline::roofline {
namespace {

void Leave(std::string_view what, LeftOut& left_out) {
  if (what == "backend") {
    left_out.backend = true;
  } else if (what == "format") {
    left_out.format = true;
  } else if (what == "isa") {
    left_out.isa = true;
  } else if (!what.empty()) {
    left_out.cases.emplace_back(what);
  }
}

void AppendSeparated(std::string& text, const char* separator, std::string_view part) {
  if (!text.empty()) text += separator;
  text += part;
}

}  // namespace

LeftOut LeftOutBy(const CompareOptions& options) {
  LeftOut left_out;
  left_out.backend = options.by == By::kBackend;
  left_out.format = options.by == By::kFormat;
  left_out.isa = options.by == By::kIsa;
  std::string_view rest = options.across;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    Leave(rest.substr(0, comma), left_out);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return left_out;
}

std::optional<std::string> IsaOf(std::string_view backend) {
  constexpr std::string_view kPrefix = "cpu_";
  if (backend == "cpu") return "best";
  if (backend.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  return std::string(backend.substr(kPrefix.size()));
}

std::optional<RowKey> KeyOf(const Row& row, const LeftOut& left_out) {
  if (!row.address) {
    if (left_out.any()) return std::nullopt;
    return RowKey{row.name, {}};
  }
  const Address& address = *row.address;
  RowKey made;
  made.key = address.fixture + "/" + address.subject;
  if (!left_out.format) made.key += "/" + address.format;
  size_t found = 0;
  std::string cases;
  for (const auto& [name, value] : address.cases) {
    const std::string text = name + ":" + value;
    const bool is_left_out =
        std::find(left_out.cases.begin(), left_out.cases.end(), name) != left_out.cases.end();
    found += is_left_out;
    if (is_left_out) {
      AppendSeparated(cases, " ", text);
    } else {
      made.key += "/" + text;
    }
  }
  if (found < left_out.cases.size()) return std::nullopt;
  if (left_out.backend) {
    made.column = address.backend;
  } else if (left_out.isa) {
    const std::optional<std::string> isa = IsaOf(address.backend);
    if (!isa) return std::nullopt;
    made.column = *isa;
    made.key += "/cpu";
  } else {
    made.key += "/" + address.backend;
  }
  if (left_out.format) AppendSeparated(made.column, " ", address.format);
  if (!cases.empty()) AppendSeparated(made.column, " ", cases);
  return made;
}

std::string FileName(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

}  // namespace wattline::roofline
