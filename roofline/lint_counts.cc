// Operations that were not done, and means that one run made.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "roofline/gates.h"
#include "roofline/lint_rules.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// A rate falls with the length by at least this share of the length's factor: then its operations
// would take time as the cube of the length, which no attention does.
constexpr double kFallShare = 0.85;
constexpr size_t kFallPoints = 3;
// The first of several runs over the median of the others, and the mean over the median.
constexpr double kColdFactor = 1.5;
constexpr double kMovedMean = 1.1;

void CheckCausal(const LintFile& file, const Row& row, Findings& findings) {
  const KnownWork known = file.Known(row);
  const std::optional<double> flop_per_s = row.FlopPerS();
  if (!known.flop || !known.flop_not_causal || !flop_per_s || !(row.time_s > 0)) return;
  const double counted = *flop_per_s * row.time_s;
  const bool differ = *known.flop_not_causal > 1.2 * *known.flop;
  if (!differ || !IsNear(counted, *known.flop_not_causal, kAlikeFigure)) return;
  findings.Add(file, "attention-not-causal", row.name,
               fmt::format("{:.4g} TFLOPS x {:.4g} s count {:.4g} GFLOP, every query against every "
                           "position; causal attention does {:.4g} GFLOP",
                           *flop_per_s * 1e-12, row.time_s, counted * 1e-9, *known.flop * 1e-9),
               "count 4 head_dim per head, query and position that it sees: half");
}

// Rows of attention over a prompt that differ in its length only, by that length.
using Lengths = std::map<double, const Row*>;

std::map<std::string, Lengths> AttentionByLength(const std::vector<Row>& rows) {
  std::map<std::string, Lengths> groups;
  for (const Row& row : rows) {
    if (!row.address || row.address->fixture != "attention") continue;
    const Address& address = *row.address;
    const std::optional<double> tokens = address.CaseNumber("tokens");
    if (address.subject == "single_query" || !tokens || !row.FlopPerS()) continue;
    std::string name = address.subject + "/" + address.format + "/" + address.backend;
    for (const auto& [key, value] : address.cases) {
      if (key != "tokens") name += "/" + key + ":" + value;
    }
    groups[name][*tokens] = &row;
  }
  return groups;
}

bool HaveTimes(const Lengths& lengths) {
  return std::all_of(lengths.begin(), lengths.end(),
                     [](const auto& one) { return one.second->time_s > 0; });
}

bool SameFlop(const Lengths& lengths) {
  double least = 0, most = 0;
  for (const auto& [tokens, row] : lengths) {
    const double flop = *row->FlopPerS() * row->time_s;
    least = least == 0 ? flop : std::min(least, flop);
    most = std::max(most, flop);
  }
  return most <= least * (1 + kAlikeFigure);
}

// Every rate is below the one before by the factor of their lengths.
bool FallsAsLengthGrows(const Lengths& lengths) {
  if (lengths.size() < kFallPoints) return false;
  for (auto next = std::next(lengths.begin()); next != lengths.end(); ++next) {
    const auto& before = *std::prev(next);
    const double fall = *before.second->FlopPerS() / *next->second->FlopPerS();
    if (fall < kFallShare * next->first / before.first) return false;
  }
  return true;
}

std::string RatesText(const Lengths& lengths) {
  std::string text;
  for (const auto& [tokens, row] : lengths) {
    text += fmt::format("{}{:.4g} TFLOPS at {:.0f}", text.empty() ? "" : ", ",
                        *row->FlopPerS() * 1e-12, tokens);
  }
  return text;
}

void CheckConstant(const LintFile& file, const Lengths& lengths, Findings& findings) {
  if (lengths.size() < 2 || lengths.rbegin()->first < 2 * lengths.begin()->first) return;
  const bool timed = HaveTimes(lengths);
  if (timed ? !SameFlop(lengths) : !FallsAsLengthGrows(lengths)) return;
  const std::string why =
      timed ? "rate x time is one count of operations for all"
            : "with operations that grow as the square, time would grow as the cube";
  findings.Add(file, "flop-held-constant", lengths.begin()->second->name,
               fmt::format("{} tokens: {}", RatesText(lengths), why),
               "count the operations of each length: they grow as its square");
}

void CheckCold(const LintFile& file, const std::string& name, const std::vector<double>& runs_s,
               double mean_s, Findings& findings) {
  if (runs_s.size() < 3) return;
  const double median_s = *Median(runs_s);
  const double rest_s = *Median(std::span(runs_s).subspan(1));
  if (runs_s[0] < kColdFactor * rest_s || mean_s < kMovedMean * median_s) return;
  findings.Add(
      file, "cold-first-run", name,
      fmt::format("the mean of {:.5g} ms has a first run of {:.5g} ms in it; the median of "
                  "the {} runs is {:.5g} ms",
                  mean_s * 1e3, runs_s[0] * 1e3, runs_s.size(), median_s * 1e3),
      "leave the first run out as a warm-up, or give the median");
}

// Sweeps of ceilings have gates of their own, and a fit leaves out what fails them.
void CheckTimed(const LintFile& file, const Row& row, Findings& findings) {
  const std::optional<double> doubling = row.Counter("doubling");
  if (!doubling || !row.address || row.address->fixture == "ceiling") return;
  const std::string why = NotTimed(*doubling);
  if (why.empty()) return;
  findings.Add(file, "work-not-timed", row.name, why,
               "wait for the result inside the timed region; where that is done, its rates are "
               "those of a launch: take a larger shape");
}

}  // namespace

void LintCounts(const LintFile& file, Findings& findings) {
  for (const Row& row : file.rows) {
    CheckCausal(file, row, findings);
    CheckTimed(file, row, findings);
  }
  for (const auto& [name, lengths] : AttentionByLength(file.rows)) {
    CheckConstant(file, lengths, findings);
  }
}

void LintSamples(const LintFile& file, Findings& findings) {
  std::map<std::string, std::map<int, double>> runs;
  std::map<std::string, double> means;
  for (const Row& row : file.results->rows) {
    if (!row.error.empty() || !(row.time_s > 0)) continue;
    if (row.aggregate.empty()) runs[row.name][row.repetition] = row.time_s;
    if (row.aggregate == "mean") means[row.name] = row.time_s;
  }
  for (const auto& [name, mean_s] : means) {
    std::vector<double> runs_s;
    for (const auto& [repetition, time_s] : runs[name]) runs_s.push_back(time_s);
    CheckCold(file, name, runs_s, mean_s, findings);
  }
}

}  // namespace wattline::roofline
