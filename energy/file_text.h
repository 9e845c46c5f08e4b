// Reads the small text files that systems publish counters in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace wattline::energy {

// The first bytes of a file, or the system's error number.
struct FileText {
  std::string text;  // at most kFileTextLimit_byte, trailing blanks and line ends cut
  int error = 0;     // errno; 0 where it was read
};
inline constexpr size_t kFileTextLimit_byte = 256;

// Opens anew on every call: a counter's file that was replaced or removed is noticed.
FileText ReadFileText(const std::filesystem::path& file);

// The same, replaceable where a test needs an error that root would not get.
using FileReader = std::function<FileText(const std::filesystem::path&)>;

// Decimal digits and nothing else.
std::optional<uint64_t> ParseCount(const std::string& text);

}  // namespace wattline::energy
