// One row of a suite, run by Google Benchmark and read back as `roofline` reads a results file.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "benchmarks/suite.h"
#include "roofline/result.h"

namespace wattline {

// Without rows where the suite has none of that name.
inline roofline::Results RunRow(benchmarks::Suite& suite, const std::string& name,
                                double min_time_s) {
  const auto row = std::find_if(suite.rows().begin(), suite.rows().end(),
                                [&](const benchmarks::Row& r) { return r.name == name; });
  if (row == suite.rows().end()) return {};
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) {
    suite.BeginRow(*row);
    row->run(state);
  })->MinTime(min_time_s);
  std::ostringstream text, errors;
  benchmark::JSONReporter reporter;
  reporter.SetOutputStream(&text);
  reporter.SetErrorStream(&errors);
  benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, ".");
  roofline::ReadResult read = roofline::ParseResults(text.str(), "row.json");
  return read.results ? *std::move(read.results) : roofline::Results();
}

}  // namespace wattline
