// What a counter of a row means for a comparison: its unit, and which way is better.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wattline::roofline {

enum class Better : uint8_t { kHigher, kLower };
// What a metric is a measure of: the words of a verdict follow from it.
enum class Quantity : uint8_t { kSpeed, kEnergy, kOther };

struct Metric {
  std::string counter;  // "tok/s", "joules", "time_s" (the row's own time)
  std::string unit;     // "tok/s", "J", "s", "" for a fraction
  Better better = Better::kHigher;
  Quantity quantity = Quantity::kOther;
  bool ranked = true;  // false: it describes a row; is shown on request and never judged
};

// Absent for what describes a row rather than ranks it (AI, checked, batch, watts, ground_GB/s,
// clock_GHz, joules_err, doubling ...): shown on request, never judged. Known names come from one
// list; of unknown ones, those that end in "/s" or "_per_second" are rates (higher), those that end
// in "_s", "_ms", "_us" or "_ns" are times (lower), J:... and names that begin with "J/" are
// energies.
std::optional<Metric> FindMetric(std::string_view counter);
// The same, but what describes a row is a metric too, one that is not ranked.
Metric MetricOf(std::string_view counter);

// What a comparison shows of a fixture unless told otherwise: one of each pair that says the same.
// Empty for fixtures that are not known: every ranked counter then, and the time.
std::span<const std::string> PrincipalCounters(std::string_view fixture);

}  // namespace wattline::roofline
