// Typed look-ups in a GGUF file's metadata, for a loader that reads many keys and reports the first
// one that is missing or wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/model/gguf.h"

namespace wattline::kernels {

// Each of these returns something harmless after a failure; error() keeps the first one's sentence.
class GgufKeys {
 public:
  explicit GgufKeys(const GgufFile& file) : file_(file) {}

  // Any integer type, not negative.
  int64_t Count(const std::string& key);
  std::optional<int64_t> MaybeCount(const std::string& key);
  // Floating-point or integer, finite.
  std::optional<double> MaybeReal(const std::string& key);
  std::optional<std::string_view> MaybeText(const std::string& key);
  // Elements of an array of strings.
  std::optional<int64_t> MaybeTexts(const std::string& key);

  const std::string& error() const { return error_; }

 private:
  void Fail(const std::string& key, const std::string& what);

  const GgufFile& file_;
  std::string error_;
};

}  // namespace wattline::kernels
