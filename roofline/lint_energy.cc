// Joules below what an idle machine draws, and zeros that stand for "not measured".
#include <fmt/format.h>

#include <array>
#include <set>
#include <string_view>

#include "roofline/lint_rules.h"

namespace wattline::roofline {
namespace {

// Idle power is measured before and after the row; it moves with temperature by so much.
constexpr double kIdleShare = 0.05;

// Counters of ours that work, time or a running machine never leaves at 0, and parts of the names
// that other programs give to such.
constexpr std::array<std::string_view, 17> kNeverZero = {
    "joules", "watts",   "peak_watts", "J/token",    "EDP",         "tok/s",
    "GB/s",   "TFLOPS",  "MFU",        "MBU",        "MBU_ceiling", "TTFT_ms",
    "AI",     "TPOT_ms", "weights_GB", "idle_watts", "clock_GHz"};
constexpr std::array<std::string_view, 6> kForeign = {"energy",    "joule", "watt",
                                                      "bandwidth", "power", "tok_per_s"};

// A GPU or a neural engine that does nothing may read 0 J where a meter reads them; a CPU that runs
// the benchmark and memory that holds it never do.
bool MayBeIdle(std::string_view counter, const Machine& machine) {
  return !machine.meters.empty() && (counter == "J:gpu" || counter == "J:ane");
}

bool IsNeverZero(std::string_view counter, const Machine& machine) {
  if (counter.rfind("J:", 0) == 0) return !MayBeIdle(counter, machine);
  for (const std::string_view name : kNeverZero) {
    if (counter == name) return true;
  }
  if (counter.ends_with("_err") || counter.rfind("net_", 0) == 0) return false;
  for (const std::string_view part : kForeign) {
    if (counter.find(part) != std::string_view::npos) return true;
  }
  return false;
}

void CheckIdle(const LintFile& file, const Row& row, Findings& findings) {
  const std::optional<double> joules = row.Counter("joules");
  std::optional<double> idle_watts = row.Counter("idle_watts");
  if (!idle_watts) idle_watts = file.told().idle_watts;
  if (!joules || !(*joules > 0) || !idle_watts || !(row.time_s > 0)) return;
  const double idle_j = *idle_watts * row.time_s;
  // net_joules_err holds the bounds of both, joules_err that of the row alone.
  const std::optional<double> net_err = row.Counter("net_joules_err");
  const double bound_j = net_err.value_or(row.Counter("joules_err").value_or(0));
  if (*joules + bound_j + kIdleShare * idle_j >= idle_j) return;
  findings.Add(
      file, "under-idle-power", row.name,
      fmt::format("{:.4g} J +- {:.2g} J in {:.4g} s are {:.4g} W, below the idle {:.4g} W", *joules,
                  bound_j, row.time_s, *joules / row.time_s, *idle_watts),
      "the meter stood still, covers another part than the idle figure, or the joules are of fewer "
      "iterations than the time");
}

}  // namespace

void LintEnergy(const LintFile& file, Findings& findings) {
  for (const Row& row : file.rows) CheckIdle(file, row, findings);
}

void LintZeros(const LintFile& file, Findings& findings) {
  std::set<std::string> seen;
  for (const Row& row : file.results->rows) {
    // Spreads of repetitions may be 0.
    const bool is_figure =
        row.aggregate.empty() || row.aggregate == "mean" || row.aggregate == "median";
    if (!row.error.empty() || !is_figure) continue;
    std::string zeros;
    for (const auto& [counter, value] : row.counters) {
      if (value != 0 || !IsNeverZero(counter, file.told())) continue;
      zeros += (zeros.empty() ? "" : ", ") + counter;
    }
    if (zeros.empty() || !seen.insert(row.name).second) continue;
    findings.AddToGroup(file, "zero-for-absent", zeros, row.name, fmt::format("{}: 0", zeros),
                        "what was not measured has no value: leave the key out");
  }
  for (const auto& [name, value] : file.told().ceilings) {
    if (value != 0) continue;
    findings.Add(file, "zero-for-absent", "context.ceilings", fmt::format("{}: 0", name),
                 "what was not measured has no value: leave the key out");
  }
}

}  // namespace wattline::roofline
