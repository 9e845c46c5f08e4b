// SVG to PNG by librsvg's program.
#pragma once

#include <string>

namespace wattline::tools {

// Runs rsvg-convert, found in PATH. Returns one sentence where that fails, else nothing; a file
// that was there before is then as it was.
std::string WritePng(const std::string& svg, const std::string& path);

}  // namespace wattline::tools
