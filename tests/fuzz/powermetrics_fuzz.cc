// Fuzzes the reader of powermetrics' output: any bytes in any pieces give the same documents, and
// each is a sample within its limits or gives one sentence.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "energy/powermetrics_plist.h"

namespace {

using namespace wattline::energy;

constexpr size_t kLongest_byte = 8192;

void Demand(bool holds) {
  if (!holds) std::abort();
}

void Check(const ParsedSample& parsed) {
  Demand(parsed.sample.has_value() == parsed.why_not.empty());
  Demand(parsed.why_not.size() < 1000);
  if (!parsed.sample) return;
  Demand(parsed.sample->elapsed_ns > 0);
  for (const auto& energy_mj : {parsed.sample->cpu_mj, parsed.sample->gpu_mj, parsed.sample->ane_mj,
                                parsed.sample->dram_mj, parsed.sample->package_mj}) {
    // 10 kW over a day.
    Demand(energy_mj.value_or(0) <= 864'000'000'000u);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte is the length of the pieces.
  const size_t piece = 1 + data[0];
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  PlistSplitter at_once(kLongest_byte);
  std::vector<std::string> documents;
  const bool fits = at_once.Feed(stream, documents);
  for (const std::string& document : documents) {
    Demand(document.size() <= kLongest_byte);
    Check(ParsePowermetrics(document));
  }
  Check(ParsePowermetrics(stream));

  PlistSplitter in_pieces(kLongest_byte);
  std::vector<std::string> same;
  bool same_fits = true;
  for (size_t at = 0; at < stream.size(); at += piece) {
    same_fits = in_pieces.Feed(stream.substr(at, piece), same);
  }
  Demand(documents == same);
  Demand(fits == same_fits);
  if (fits) Demand(at_once.other_text() == in_pieces.other_text());
  return 0;
}
