// The files tools/reference/*.json as they were when the program was built: published figures of
// chips, in the schema of bench.
#pragma once

#include <span>
#include <string_view>

namespace wattline::tools {

struct ReferenceFile {
  std::string_view name;  // of the file, without its ending: "apple-m4-pro"
  std::string_view text;
};

// By name. The texts live as long as the program.
std::span<const ReferenceFile> ReferenceFiles();

}  // namespace wattline::tools
