#include "roofline/normalised.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "roofline/context_fit.h"
#include "roofline/fit.h"
#include "roofline/machine_fit.h"
#include "roofline/samples.h"
#include "roofline/stand.h"

namespace wattline::roofline {
namespace {

// As MFU and MBU of a row (benchmarks/counters.h, kMostFraction).
constexpr double kMostShare = 1.05;

bool IsNormalisable(const Row& row) {
  return row.error.empty() && row.address &&
         (row.aggregate.empty() || row.aggregate == "median" || row.aggregate == "mean");
}

std::optional<double> PositiveFinite(std::optional<double> value) {
  return value && *value > 0 && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<double> Over(std::optional<double> a, std::optional<double> b) {
  if (!PositiveFinite(a) || !PositiveFinite(b)) return std::nullopt;
  return *a / *b;
}

void PutPositive(Row& row, const char* counter, std::optional<double> value) {
  if (PositiveFinite(value)) row.counters[counter] = *value;
}

// Limits from the rows of fixture `ceiling`, without its sweeps: those would only add the roof's
// curve.
std::optional<MachineFit> FitOfCeilings(const Results& results) {
  Results ceilings;
  ceilings.path = results.path;
  ceilings.machine = results.machine;
  for (const Row& row : results.rows) {
    if (row.address && row.address->fixture == "ceiling" && row.address->subject != "intensity") {
      ceilings.rows.push_back(row);
    }
  }
  if (ceilings.rows.empty()) return std::nullopt;
  Fit fit = FitMachines({&ceilings, 1});
  if (fit.machines.empty()) return std::nullopt;
  return std::move(fit.machines.front());
}

// The two limits of a row, each from the file's own ceilings, else from its context.
class Limits {
 public:
  explicit Limits(const Results& results)
      : told_(results.machine), own_(FitOfCeilings(results)), context_(ContextFit(results)) {}

  struct Pair {
    std::optional<double> flop_per_s;
    std::optional<double> byte_per_s;
  };
  Pair Of(const Row& row) const {
    Pair limits;
    for (const MachineFit* machine : {own_ ? &*own_ : nullptr, &context_}) {
      if (machine == nullptr) continue;
      const Stand stand = StandOf(row, told_, *machine);
      if (!limits.flop_per_s && stand.peak) limits.flop_per_s = stand.peak->value;
      if (!limits.byte_per_s && stand.byte_per_s) limits.byte_per_s = stand.byte_per_s->value;
    }
    return limits;
  }

 private:
  const Machine& told_;
  std::optional<MachineFit> own_;
  MachineFit context_;
};

// Both shares must be known where the row has both rates: the missing one may be the larger.
std::optional<double> RoofShare(const Row& row, const Limits::Pair& limits) {
  const std::optional<double> flop_per_s = PositiveFinite(row.FlopPerS());
  const std::optional<double> byte_per_s = PositiveFinite(row.BytePerS());
  const std::optional<double> of_peak = Over(flop_per_s, limits.flop_per_s);
  const std::optional<double> of_read = Over(byte_per_s, limits.byte_per_s);
  if ((flop_per_s && !of_peak) || (byte_per_s && !of_read)) return std::nullopt;
  const double share = std::max(of_peak.value_or(0), of_read.value_or(0));
  return share <= kMostShare ? PositiveFinite(share) : std::nullopt;
}

bool IsPrefill(const Row& row) { return !row.address->Case("prefill").empty(); }
bool IsDecode(const Row& row) {
  return row.address->fixture == "decode" && !row.address->Case("ctx").empty();
}

// Of a model's rows: prefill and decode of one text have the same.
std::string ModelKey(const Address& address) {
  std::string text = address.subject + "/" + address.format;
  for (const auto& [name, value] : address.cases) {
    if (name != "prefill" && name != "ctx") text += "/" + name + ":" + value;
  }
  return text + "/" + address.backend;
}

// J/input_token of the longest prompt's rows of each model.
class InputTokens {
 public:
  void Add(const Row& row) {
    const std::optional<double> joules = PositiveFinite(row.Counter("J/input_token"));
    const std::optional<double> tokens = row.address->CaseNumber("prefill");
    if (!joules || !tokens) return;
    Prompt& prompt = of_model_[ModelKey(*row.address)];
    if (*tokens < prompt.tokens) return;
    if (*tokens > prompt.tokens) prompt = {*tokens, {}};
    prompt.joules.push_back(*joules);
  }
  std::optional<double> Of(const Row& row) const {
    const auto found = of_model_.find(ModelKey(*row.address));
    if (found == of_model_.end()) return std::nullopt;
    return Median(found->second.joules);
  }

 private:
  struct Prompt {
    double tokens = 0;
    std::vector<double> joules;
  };
  std::map<std::string, Prompt> of_model_;
};

}  // namespace

void AddNormalised(Results& results) {
  const Limits limits(results);
  InputTokens input;
  for (Row& row : results.rows) {
    if (!IsNormalisable(row)) continue;
    const Limits::Pair of_row = limits.Of(row);
    const std::optional<double> tok_per_s = row.Counter("tok/s");
    PutPositive(row, "roof_share", RoofShare(row, of_row));
    PutPositive(row, "tok/s/W", Over(tok_per_s, row.Counter("watts")));
    if (of_row.byte_per_s) {
      PutPositive(row, "tok/s per GB/s", Over(tok_per_s, *of_row.byte_per_s * 1e-9));
    }
    if (row.address->fixture != "decode") continue;
    if (IsPrefill(row)) {
      PutPositive(row, "J/input_token", row.Counter("J/token"));
      input.Add(row);
    } else if (IsDecode(row)) {
      PutPositive(row, "J/output_token", row.Counter("J/token"));
    }
  }
  for (Row& row : results.rows) {
    if (!IsNormalisable(row) || !IsDecode(row)) continue;
    PutPositive(row, "output_input_J", Over(row.Counter("J/output_token"), input.Of(row)));
  }
}

}  // namespace wattline::roofline
