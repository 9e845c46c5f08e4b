// The tables of a comparison's rows: one per fixture.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/compare/report.h"

namespace wattline::tools {

// Remarks of cells, each told once under a number.
class Footnotes {
 public:
  // "[1]"; empty for no text.
  std::string Mark(const std::string& text);
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, size_t> numbers_;
  std::vector<std::string> texts_;
};

std::string BlocksText(const roofline::Comparison& comparison, const Look& look,
                       Footnotes& footnotes);

}  // namespace wattline::tools
