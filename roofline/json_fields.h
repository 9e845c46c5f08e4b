// Reading JSON that others wrote: each field with its type checked, and a sentence with its place
// where that fails. For the .cc files of this folder.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace wattline::roofline {

using Json = nlohmann::json;

// Remembers the first fault only: what follows from it is no news.
class Fields {
 public:
  // `place` names the object in messages: "benchmarks[3]".
  Fields(const Json& object, std::string place, std::string& fault)
      : object_(object), place_(std::move(place)), fault_(fault) {}

  // Absent where the key is missing or null.
  std::optional<std::string> Text(const char* key) const;
  std::optional<double> Number(const char* key) const;
  std::optional<bool> Flag(const char* key) const;
  // Null where the key is missing.
  const Json* List(const char* key) const;
  const Json* Object(const char* key) const;

  std::string TextOr(const char* key, std::string otherwise = {}) const {
    return Text(key).value_or(std::move(otherwise));
  }
  // A missing one is a fault.
  double NumberOfNeed(const char* key) const;
  std::string TextOfNeed(const char* key) const;

  std::string PlaceOf(const char* key) const { return place_ + "." + key; }
  void Fault(const std::string& sentence) const {
    if (fault_.empty()) fault_ = sentence;
  }

 private:
  const Json* Find(const char* key) const;
  const Json* Typed(const char* key, bool right, const Json* value, const char* wanted) const;

  const Json& object_;
  std::string place_;
  std::string& fault_;
};

struct LoadedText {
  std::string text;
  std::string error;
};
// A results file of 2000 rows has 1.5 MB; what is beyond this is none, and is not read to its end.
inline constexpr size_t kMostFileByte = 64'000'000;
// The whole file; "-" is standard input.
LoadedText LoadText(const std::string& path);

struct ParsedJson {
  Json json;
  std::string error;  // one sentence with line and column
};
// Lists and objects in each other; deeper ones are refused, for what walks over them recurses.
inline constexpr int kDeepestJson = 100;
ParsedJson ParseJson(const std::string& text, const std::string& path);

}  // namespace wattline::roofline
