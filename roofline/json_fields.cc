#include "roofline/json_fields.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace wattline::roofline {

const Json* Fields::Find(const char* key) const {
  if (!object_.is_object()) {
    Fault(fmt::format("{} is {}, not an object", place_, object_.type_name()));
    return nullptr;
  }
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json* Fields::Typed(const char* key, bool right, const Json* value,
                          const char* wanted) const {
  if (value == nullptr || right) return value;
  Fault(fmt::format("{} is {}, not {}", PlaceOf(key), value->type_name(), wanted));
  return nullptr;
}

std::optional<std::string> Fields::Text(const char* key) const {
  const Json* value = Find(key);
  value = Typed(key, value && value->is_string(), value, "a text");
  if (!value) return std::nullopt;
  return value->get<std::string>();
}

std::optional<double> Fields::Number(const char* key) const {
  const Json* value = Find(key);
  value = Typed(key, value && value->is_number(), value, "a number");
  if (!value) return std::nullopt;
  return value->get<double>();
}

std::optional<bool> Fields::Flag(const char* key) const {
  const Json* value = Find(key);
  value = Typed(key, value && value->is_boolean(), value, "true or false");
  if (!value) return std::nullopt;
  return value->get<bool>();
}

const Json* Fields::List(const char* key) const {
  const Json* value = Find(key);
  return Typed(key, value && value->is_array(), value, "a list");
}

const Json* Fields::Object(const char* key) const {
  const Json* value = Find(key);
  return Typed(key, value && value->is_object(), value, "an object");
}

double Fields::NumberOfNeed(const char* key) const {
  const std::optional<double> value = Number(key);
  if (!value) Fault(fmt::format("{} is missing", PlaceOf(key)));
  return value.value_or(0);
}

std::string Fields::TextOfNeed(const char* key) const {
  const std::optional<std::string> value = Text(key);
  if (!value) Fault(fmt::format("{} is missing", PlaceOf(key)));
  return value.value_or("");
}

LoadedText LoadText(const std::string& path) {
  std::FILE* const file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return {{}, fmt::format("{} cannot be read: {}", path, std::strerror(errno))};
  }
  LoadedText loaded;
  char part[1 << 16];
  errno = 0;
  while (const size_t got = std::fread(part, 1, sizeof part, file)) {
    loaded.text.append(part, got);
    if (loaded.text.size() > kMostFileByte) break;
  }
  const int failed = std::ferror(file) ? errno : 0;
  if (file != stdin) std::fclose(file);
  if (failed != 0) return {{}, fmt::format("{} cannot be read: {}", path, std::strerror(failed))};
  if (loaded.text.size() > kMostFileByte) {
    return {{},
            fmt::format("{} has more than {} MB: it is no results file of a benchmark; split it if "
                        "it is",
                        path, kMostFileByte / 1'000'000)};
  }
  return loaded;
}

namespace {

// Line on which the text nests deeper than kDeepestJson; 0 where it does not.
int LineTooDeep(const std::string& text) {
  int line = 1;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      if (++depth > kDeepestJson) return line;
    } else if (!quoted && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return 0;
}

}  // namespace

ParsedJson ParseJson(const std::string& text, const std::string& path) {
  ParsedJson parsed;
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return {{}, fmt::format("{} is empty; expected JSON", path)};
  }
  if (const int line = LineTooDeep(text)) {
    return {{},
            fmt::format("{} has more than {} lists and objects in each other at line {}: it is no "
                        "results file",
                        path, kDeepestJson, line)};
  }
  try {
    parsed.json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    const size_t at = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
    const size_t begin = text.rfind('\n', at == 0 ? 0 : at - 1);
    const size_t column = at - (begin == std::string::npos || at == 0 ? 0 : begin + 1) + 1;
    if (at >= text.size()) {
      return {
          {},
          fmt::format("{} ends at line {} in the middle of its JSON: it is truncated", path, line)};
    }
    std::string near = text.substr(at, 12);
    for (char& c : near) c = c >= ' ' && c < 127 ? c : ' ';
    return {{},
            fmt::format("{} is no JSON at line {}, column {}, near '{}' (NaN and Infinity are "
                        "none either)",
                        path, line, column, near)};
  } catch (const Json::exception& error) {  // a number out of range, nesting
    return {{}, fmt::format("{} is no JSON that can be read: {}", path, error.what())};
  }
  return parsed;
}

}  // namespace wattline::roofline
