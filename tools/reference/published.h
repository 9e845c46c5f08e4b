// The files of tools/reference/published/ as they were when the program was built.
#pragma once

#include <string_view>

namespace wattline::tools {

// "gpus.csv"; empty for a name that is not there. The text lives as long as the program.
std::string_view PublishedText(std::string_view file);

}  // namespace wattline::tools
