// What a counter of a row means for a comparison: its unit, and which way is better.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wattline::roofline {

enum class Better : uint8_t { kHigher, kLower };

struct Metric {
  std::string counter;  // "tok/s", "joules", "time_s" (the row's own time)
  std::string unit;     // "tok/s", "J", "s", "" for a fraction
  Better better = Better::kHigher;
};

// Absent for what describes a row rather than ranks it (AI, checked, batch, ground_GB/s, clock_GHz,
// joules_err, doubling ...): shown on request, never judged. Known names come from one list; of
// unknown ones, those that end in "/s" or "_per_second" are rates (higher), those that end in
// "_s", "_ms", "_us" or "_ns" are times (lower), J:... and names that begin with "J/" are energies.
std::optional<Metric> FindMetric(std::string_view counter);

}  // namespace wattline::roofline
