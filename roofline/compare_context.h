// What files tell of their machine and their meters, as texts that can be held side by side. For
// compare*.cc.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "roofline/result.h"

namespace wattline::roofline {

// What joules are the sum of. Nothing of it where the file does not tell.
struct EnergyScope {
  bool told = false;
  std::set<std::string> meters;  // "rapl"
  std::set<std::string> kinds;   // "counter", "sampled", "modelled"
  std::set<std::string> covers;  // "cpu", "gpu", "dram" ...; else domains' names
  std::string note;              // of a modelled meter
};

struct ContextFacts {
  // ("compiler", "GNU 12.2.0") in a fixed order; facts that a file does not tell are left out.
  std::vector<std::pair<std::string, std::string>> facts;
  std::optional<double> hottest_celsius;
  EnergyScope energy;
};

// Fields of a wrong type are not told.
ContextFacts FactsOf(const Results& results);

// A library's description belongs to a column only if the column has rows of it: the fact's name is
// "library <backend>".
inline constexpr const char* kLibraryFact = "library ";

}  // namespace wattline::roofline
