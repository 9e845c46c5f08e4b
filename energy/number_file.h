// Reads the files in which drivers publish one whole number each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "energy/file_text.h"
#include "energy/kept_file.h"

namespace wattline::energy {

// A whole number with or without a minus, and nothing else.
std::optional<int64_t> ParseInteger(const std::string& text);

struct FileNumber {
  std::optional<int64_t> value;
  int error = 0;     // errno where the file could not be read
  std::string text;  // what it holds, where that is no number

  // Of an absent value, for a person: "/sys/.../power1_input is there but not readable by this
  // user; ... sudo chmod a+r ...".
  std::string WhyNot(const std::filesystem::path& file) const;
};

// A file that is read again and again, see KeptFile.
class NumberFile {
 public:
  NumberFile(const std::filesystem::path& file, const FileReader& read) : kept_(file, read) {}
  FileNumber Read();

 private:
  KeptFile kept_;
};

// Once.
FileNumber ReadNumber(const std::filesystem::path& file, const FileReader& read);
// The first line of a file, absent where there is none.
std::optional<std::string> ReadWord(const std::filesystem::path& file, const FileReader& read);

}  // namespace wattline::energy
