#include "kernels/model/gguf_keys.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace wattline::kernels {
namespace {

std::string KindOf(const GgufValue& value) {
  constexpr const char* kKinds[] = {"an unsigned integer", "an integer", "a real number",
                                    "a truth value",       "text",       "an array"};
  return kKinds[value.index()];
}

}  // namespace

void GgufKeys::Fail(const std::string& key, const std::string& what) {
  if (error_.empty()) error_ = fmt::format("{}: key '{}' {}", file_.source, key, what);
}

std::optional<int64_t> GgufKeys::MaybeCount(const std::string& key) {
  const GgufValue* value = file_.Find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<uint64_t>(value)) {
    if (*number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return static_cast<int64_t>(*number);
    }
    Fail(key, fmt::format("is {}, which is absurd", *number));
  } else if (const auto* signed_number = std::get_if<int64_t>(value)) {
    if (*signed_number >= 0) return *signed_number;
    Fail(key, fmt::format("is {}, but must not be negative", *signed_number));
  } else {
    Fail(key, fmt::format("is {}, but must be one integer", KindOf(*value)));
  }
  return std::nullopt;
}

int64_t GgufKeys::Count(const std::string& key) {
  const std::optional<int64_t> count = MaybeCount(key);
  if (!count) Fail(key, "is missing");
  return count.value_or(0);
}

std::optional<double> GgufKeys::MaybeReal(const std::string& key) {
  const GgufValue* value = file_.Find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<double> real;
  if (const auto* number = std::get_if<double>(value)) real = *number;
  if (const auto* number = std::get_if<uint64_t>(value)) real = static_cast<double>(*number);
  if (const auto* number = std::get_if<int64_t>(value)) real = static_cast<double>(*number);
  if (!real) {
    Fail(key, fmt::format("is {}, but must be a number", KindOf(*value)));
  } else if (!std::isfinite(*real)) {
    Fail(key, fmt::format("is {}, but must be finite", *real));
    return std::nullopt;
  }
  return real;
}

std::optional<std::string_view> GgufKeys::MaybeText(const std::string& key) {
  const GgufValue* value = file_.Find(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string_view>(value)) return *text;
  Fail(key, fmt::format("is {}, but must be text", KindOf(*value)));
  return std::nullopt;
}

std::optional<int64_t> GgufKeys::MaybeTexts(const std::string& key) {
  const GgufValue* value = file_.Find(key);
  if (value == nullptr) return std::nullopt;
  const auto* array = std::get_if<GgufArray>(value);
  if (array != nullptr && array->type == GgufType::kString) {
    return static_cast<int64_t>(array->count);  // fits: the file holds 8 bytes for each
  }
  Fail(key, fmt::format("is {}, but must be an array of text", KindOf(*value)));
  return std::nullopt;
}

}  // namespace wattline::kernels
