// Fuzzes the readers of results: any text gives rows with finite figures, or one sentence.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "roofline/readers/reader.h"

namespace {

using namespace wattline::roofline;

void Demand(bool holds) {
  if (!holds) std::abort();
}

void Check(const Results& results) {
  // A reader gives its rows addresses and finite figures; those of Google Benchmark's JSON are
  // called as they are called there.
  const bool named_there = results.tool == "bench" || results.tool == "google benchmark";
  for (const Row& row : results.rows) {
    Demand(row.repetition >= 0);
    Demand(named_there || row.address.has_value());
    Demand(named_there || std::isfinite(row.time_s));
    for (const auto& [counter, value] : row.counters) Demand(named_there || std::isfinite(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ReadMany read = ParseAny(text, "results");
  Demand(read.results.empty() == !read.error.empty());
  Demand(read.error.find('\n') == std::string::npos);
  Demand(read.error.size() < 1000);
  for (const Results& results : read.results) Check(results);
  return 0;
}
