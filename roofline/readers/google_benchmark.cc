#include "roofline/readers/google_benchmark.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "roofline/readers/foreign.h"

namespace wattline::roofline {
namespace {

bool RecognisesGoogleBenchmark(const std::string& text) {
  return HasKey(text, "benchmarks", '[') ||
         (HasKey(text, "context", '{') && HasKey(text, "num_cpus"));
}

// Two benchmarks of one name, or a version that does not count repetitions: runs of one row.
void CountTwins(Results& results) {
  std::set<std::tuple<std::string, std::string, int>> seen;
  std::set<std::string> twins;
  for (const Row& row : results.rows) {
    const bool is_new = seen.insert({row.name, row.aggregate, row.repetition}).second;
    if (!is_new && row.aggregate.empty()) twins.insert(row.name);
  }
  if (twins.empty()) return;
  NumberRepetitions(results.rows);
  results.remarks.push_back(fmt::format(
      "{}: {} name{} more than once as the same repetition, '{}' first: they count as runs of one "
      "row",
      results.path, twins.size(), twins.size() == 1 ? " stands" : "s stand",
      PlainText(*twins.begin(), 80)));
}

ReadMany ReadGoogleBenchmark(const std::string& text, const std::string& path) {
  ReadResult read = ParseResults(text, path);
  if (!read.results) return {{}, std::move(read.error)};
  CountTwins(*read.results);
  return {{std::move(*read.results)}, {}};
}

}  // namespace

const Reader kGoogleBenchmark = {"google benchmark",
                                 "JSON of bench or any program of Google Benchmark",
                                 RecognisesGoogleBenchmark, ReadGoogleBenchmark};

}  // namespace wattline::roofline
