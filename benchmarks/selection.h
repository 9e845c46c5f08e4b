// Which of the registered rows run.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/suite.h"

namespace wattline::benchmarks {

// True where Google Benchmark's filter takes the name: a regular expression found anywhere in it,
// negated by a leading '-'. `filter` has been checked to be one.
bool FilterTakes(const std::string& filter, const std::string& name);

// The rows that the filter takes and that are in the default list, or outside it with `full_sweep`
// or with every one of their words in the filter. In the order of registration.
std::vector<const Row*> SelectRows(const std::vector<Row>& rows, const std::string& filter,
                                   bool full_sweep);

// Empty, or what is wrong with a name: fixture/subject/format[/case:value...]/backend, of letters,
// digits and "_.-+", each case written `case:value`.
std::string NameFault(const std::string& name);

}  // namespace wattline::benchmarks
