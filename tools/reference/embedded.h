// The files of tools/reference/ as they were when the program was built.
#pragma once

#include <span>
#include <string_view>

namespace wattline::tools {

struct EmbeddedFile {
  std::string_view name;  // without its ending: "apple-m4-pro"
  std::string_view text;  // lives as long as the program
};

// tools/reference/*.json, by name: published figures of chips, in the schema of bench.
std::span<const EmbeddedFile> ReferenceFiles();
// tools/reference/published/*.csv, by name: tables that predictions and checks start from.
std::span<const EmbeddedFile> PublishedFiles();

// Of PublishedFiles: "gpus"; empty for a name that is not there.
inline std::string_view PublishedText(std::string_view name) {
  for (const EmbeddedFile& file : PublishedFiles()) {
    if (file.name == name) return file.text;
  }
  return {};
}

}  // namespace wattline::tools
