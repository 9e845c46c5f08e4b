// Speed-ups that are of ceilings and not of what was run.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "roofline/lint_rules.h"
#include "roofline/samples.h"

namespace wattline::roofline {
namespace {

// A claimed speed-up has two digits, and rows scatter.
constexpr double kSpeedupShare = 0.1;

struct Quotient {
  double value = 0;
  std::string of;
};

// A row's speed in whatever both rows have.
std::optional<double> Ratio(const Row& a, const Row& b) {
  for (const char* counter : {"tok/s", "TFLOPS", "GB/s"}) {
    const std::optional<double> one = a.Counter(counter), other = b.Counter(counter);
    if (one && other && *one > 0 && *other > 0) return *one / *other;
  }
  if (a.time_s > 0 && b.time_s > 0) return b.time_s / a.time_s;
  return std::nullopt;
}

bool IsOf(const Row& row, const std::string& of) {
  if (!row.address) return false;
  if (of == "decode") return IsDecodeRow(row);
  if (of == "prefill") return IsPrefillRow(row);
  return row.address->fixture == of;
}

std::optional<Quotient> OfRows(const LintFile& file, const LintFile& other, const std::string& of) {
  std::vector<double> ratios;
  for (const Row& row : file.rows) {
    const Row* match = IsOf(row, of) ? other.FindRow(row.name) : nullptr;
    const std::optional<double> ratio = match ? Ratio(row, *match) : std::nullopt;
    if (ratio) ratios.push_back(*ratio);
  }
  const std::optional<double> median = Median(ratios);
  if (!median) return std::nullopt;
  return Quotient{*median,
                  ratios.size() == 1
                      ? std::string("the row that both files have")
                      : fmt::format("the median of {} rows that both files have", ratios.size())};
}

std::optional<double> Claimed(const LintFile& file, const char* what) {
  for (const Claim& claim : file.claims) {
    if (claim.what == what && file.IsOwn(claim)) return claim.value;
  }
  return std::nullopt;
}

// Quotients of ceilings that a speed-up may have been taken from.
std::vector<Quotient> OfCeilings(const LintFile& file, const LintFile& other) {
  std::vector<Quotient> all;
  const auto a = file.MostRead(std::nullopt), b = other.MostRead(std::nullopt);
  const auto read_a = Claimed(file, "read"), read_b = Claimed(other, "read");
  if (a && b) all.push_back({a->first / b->first, "of the read bandwidths"});
  if (a && read_b) all.push_back({a->first / (*read_b * 1e9), "of the claimed read bandwidths"});
  if (read_a && b) all.push_back({*read_a * 1e9 / b->first, "of the claimed read bandwidths"});
  for (const auto& [what, text] : {std::pair{"read", "of the claimed read bandwidths"},
                                   std::pair{"spec_bandwidth", "of the vendors' bandwidths"},
                                   std::pair{"peak", "of the claimed peaks"}}) {
    const auto one = Claimed(file, what), two = Claimed(other, what);
    if (one && two) all.push_back({*one / *two, text});
  }
  return all;
}

void Check(const LintFile& file, const LintFile& other, const Claim& claim, Findings& findings) {
  const std::optional<Quotient> rows = OfRows(file, other, claim.of);
  if (!rows || IsNear(claim.value, rows->value, kSpeedupShare)) return;
  std::string ceiling;
  double nearest = kAlikeFigure;
  for (const Quotient& one : OfCeilings(file, other)) {
    const double distance = std::abs(claim.value / one.value - 1);
    if (distance > nearest) continue;
    nearest = distance;
    ceiling = fmt::format("; {:.3g} is the quotient {}", one.value, one.of);
  }
  findings.Add(file, "speedup-not-of-rows",
               fmt::format("speedup of {} over {}, {}", claim.of, claim.over, TextOf(claim)),
               fmt::format("{} was run {:.3g} times as fast ({}){}", claim.of, rows->value,
                           rows->of, ceiling),
               "give the quotient of what was run on both");
}

}  // namespace

void LintSpeedups(const std::vector<LintFile>& files, Findings& findings) {
  for (const LintFile& file : files) {
    for (const Claim& claim : file.claims) {
      if (claim.what != "speedup" || !file.IsOwn(claim)) continue;
      const std::string over = PlainChip(claim.over);
      const auto other = std::find_if(files.begin(), files.end(), [&](const LintFile& one) {
        return PlainChip(one.told().chip) == over || PlainChip(one.told().chip_slug) == over;
      });
      if (other != files.end()) Check(file, *other, claim, findings);
    }
  }
}

}  // namespace wattline::roofline
