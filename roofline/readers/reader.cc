#include "roofline/readers/reader.h"

#include <fmt/format.h>

#include <array>
#include <exception>

#include "roofline/json_fields.h"
#include "roofline/readers/clpeak.h"
#include "roofline/readers/google_benchmark.h"
#include "roofline/readers/llama_bench.h"
#include "roofline/readers/mac_ml_benchmark.h"
#include "roofline/readers/mlx_lm.h"
#include "roofline/readers/token_power_bench.h"

namespace wattline::roofline {
namespace {

std::string NotRecognised(const std::string& text, const std::string& path) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fmt::format("{} is empty; expected results of a benchmark", path);
  }
  if (text.find('\0') != std::string::npos) {
    return fmt::format("{} is binary, or a text in UTF-16; expected a text in UTF-8", path);
  }
  std::string known;
  for (const Reader& reader : AllReaders()) {
    known += fmt::format("{}{}", known.empty() ? "" : "; ", reader.what);
  }
  return fmt::format("{} holds results of no program that can be read, which are: {}", path, known);
}

}  // namespace

std::span<const Reader> AllReaders() {
  static const std::array<Reader, 6> readers = {kGoogleBenchmark, kClpeak,         kTokenPowerBench,
                                                kLlamaBench,      kMacMlBenchmark, kMlxLm};
  return readers;
}

ReadMany ParseAny(const std::string& text, const std::string& path) {
  // Memory that a hostile file asks for, and whatever a reader overlooked.
  try {
    if (text.rfind("\xEF\xBB\xBF", 0) == 0) return ParseAny(text.substr(3), path);  // a BOM
    const bool is_text = text.find('\0') == std::string::npos;
    for (const Reader& reader : AllReaders()) {
      if (is_text && reader.recognises(text)) return reader.read(text, path);
    }
    return {{}, NotRecognised(text, path)};
  } catch (const std::exception& error) {
    return {{}, fmt::format("{} cannot be read: {}", path, error.what())};
  }
}

ReadMany ReadAny(const std::string& path) {
  const LoadedText loaded = LoadText(path);
  if (!loaded.error.empty()) return {{}, loaded.error};
  return ParseAny(loaded.text, path);
}

}  // namespace wattline::roofline
