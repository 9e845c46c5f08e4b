#include "roofline/model_rows.h"

#include <fmt/format.h>

namespace wattline::roofline {
namespace {

std::string WhyNoModelRow(const Row& row) {
  if (!row.error.empty()) return row.error;
  const std::optional<double> tok_per_s = row.Counter("tok/s");
  if (!tok_per_s || !(*tok_per_s > 0)) return "it has no tok/s";
  if (!row.FlopPerS() || !row.BytePerS()) return "it has no TFLOPS or no GB/s";
  if (row.address->Case("prefill").empty() && row.address->Case("ctx").empty()) {
    return "its name has neither prefill: nor ctx:";
  }
  return {};
}

ModelRow Made(const Row& row, int threads) {
  const Address& address = *row.address;
  const double tok_per_s = *row.Counter("tok/s");
  ModelRow made;
  made.row = row.name;
  made.model = address.subject;
  made.format = address.format;
  made.backend = address.backend;
  made.threads = threads;
  made.prefill = !address.Case("prefill").empty();
  made.tokens_each = static_cast<int64_t>(*address.CaseNumber(made.prefill ? "prefill" : "ctx"));
  made.batch =
      static_cast<int64_t>(address.CaseNumber("batch").value_or(row.Counter("batch").value_or(1)));
  made.tok_per_s = tok_per_s;
  made.flop_per_token = *row.FlopPerS() / tok_per_s;
  made.byte_per_token = *row.BytePerS() / tok_per_s;
  if (const auto giga = row.Counter("weights_GB")) made.weight_byte = *giga * 1e9;
  made.joules_per_token = row.Counter("J/token");
  made.unsteady = row.Counter("unsteady").value_or(0) > 0;
  return made;
}

}  // namespace

std::vector<ModelRow> ModelRowsOf(std::span<const Row> rows, int threads,
                                  std::vector<std::string>& remarks) {
  std::vector<ModelRow> made;
  for (const Row& row : rows) {
    if (!row.address || row.address->fixture != "decode") continue;
    std::string why_not = WhyNoModelRow(row);
    const bool counts = row.address->CaseNumber("prefill") || row.address->CaseNumber("ctx");
    if (why_not.empty() && !counts) why_not = "its prefill: or ctx: is no number";
    if (why_not.empty()) {
      made.push_back(Made(row, threads));
    } else {
      remarks.push_back(fmt::format("{}: {}", row.name, why_not));
    }
  }
  return made;
}

}  // namespace wattline::roofline
