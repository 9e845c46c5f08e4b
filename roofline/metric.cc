#include "roofline/metric.h"

#include <algorithm>
#include <array>
#include <vector>

namespace wattline::roofline {
namespace {

constexpr auto kHigher = Better::kHigher;
constexpr auto kLower = Better::kLower;
constexpr auto kSpeed = Quantity::kSpeed;
constexpr auto kEnergy = Quantity::kEnergy;
constexpr auto kOther = Quantity::kOther;

const std::vector<Metric>& Ranked() {
  static const std::vector<Metric> metrics = {
      {"time_s", "s", kLower, kSpeed},
      {"tok/s", "tok/s", kHigher, kSpeed},
      {"TFLOPS", "TFLOPS", kHigher, kSpeed},
      {"GB/s", "GB/s", kHigher, kSpeed},
      {"TTFT_ms", "ms", kLower, kSpeed},
      {"TPOT_ms", "ms", kLower, kSpeed},
      {"MFU", "", kHigher, kOther},
      {"MBU", "", kHigher, kOther},
      {"MBU_ceiling", "", kHigher, kOther},
      {"roof_share", "", kHigher, kOther},
      {"joules", "J", kLower, kEnergy},
      {"net_joules", "J", kLower, kEnergy},
      {"EDP", "J s", kLower, kEnergy},
      {"tok/s/W", "tok/J", kHigher, kEnergy},
      {"tok/s per GB/s", "tok/GB", kHigher, kOther},
      {"peak_GB", "GB", kLower, kOther},
      {"items_per_second", "1/s", kHigher, kSpeed},
      {"bytes_per_second", "byte/s", kHigher, kSpeed},
  };
  return metrics;
}

// What looks like a rate or a time by its name and describes a row, and units of what describes.
const std::vector<std::pair<std::string, std::string>>& Describing() {
  static const std::vector<std::pair<std::string, std::string>> units = {
      {"ground_GB/s", "GB/s"},
      {"ground_end_GB/s", "GB/s"},
      {"round_trip_ns", "ns"},
      {"clock_GHz", "GHz"},
      {"watts", "W"},
      {"peak_watts", "W"},
      {"idle_watts", "W"},
      {"joules_err", "J"},
      {"net_joules_err", "J"},
      {"weights_GB", "GB"},
      {"AI", "FLOP/byte"},
      {"output_input_J", ""},
      {"theoretical_TFLOPS", "TFLOPS"},
      {"theoretical_GB/s", "GB/s"},
  };
  return units;
}

// Ends in `unit`, and more stands before it.
bool HasUnit(std::string_view counter, std::string_view unit) {
  return counter.size() > unit.size() && counter.ends_with(unit);
}

// "GB/s" of "L1_GB/s"; the whole where it has no underscore.
std::string BehindUnderscore(std::string_view counter) {
  return std::string(counter.substr(counter.rfind('_') + 1));
}

std::optional<Metric> ByForm(std::string_view counter) {
  if (counter.substr(0, 2) == "J:") return Metric{std::string(counter), "J", kLower, kEnergy};
  if (counter.substr(0, 2) == "J/") {
    return Metric{std::string(counter), "J/" + BehindUnderscore(counter.substr(2)), kLower,
                  kEnergy};
  }
  if (HasUnit(counter, "/s")) {
    return Metric{std::string(counter), BehindUnderscore(counter), kHigher, kSpeed};
  }
  if (HasUnit(counter, "_per_second")) return Metric{std::string(counter), "1/s", kHigher, kSpeed};
  for (const char* unit : {"s", "ms", "us", "ns"}) {
    if (HasUnit(counter, std::string("_") + unit)) {
      return Metric{std::string(counter), unit, kLower, kSpeed};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Metric> FindMetric(std::string_view counter) {
  for (const Metric& metric : Ranked()) {
    if (metric.counter == counter) return metric;
  }
  for (const auto& [name, unit] : Describing()) {
    if (name == counter) return std::nullopt;
  }
  return ByForm(counter);
}

Metric MetricOf(std::string_view counter) {
  if (std::optional<Metric> metric = FindMetric(counter)) return *std::move(metric);
  Metric metric{std::string(counter), {}, kHigher, kOther, false};
  for (const auto& [name, unit] : Describing()) {
    if (name == counter) metric.unit = unit;
  }
  return metric;
}

std::span<const std::string> PrincipalCounters(std::string_view fixture) {
  // TPOT_ms and GB/s of a row follow from tok/s and TFLOPS; watts from joules and time.
  struct Fixture {
    std::string_view name;
    std::vector<std::string> counters;
  };
  static const std::array<Fixture, 8> fixtures = {{
      {"decode", {"tok/s", "TTFT_ms", "MBU", "J/token", "EDP"}},
      {"block", {"tok/s", "MFU", "MBU", "J/token", "EDP"}},
      {"encode", {"tok/s", "MFU", "J/token", "EDP"}},
      {"gemm", {"TFLOPS", "MFU", "MBU", "joules", "EDP"}},
      {"attention", {"TFLOPS", "MFU", "MBU", "joules", "EDP"}},
      {"dequant", {"GB/s", "joules", "EDP"}},
      {"norm", {"GB/s", "joules", "EDP"}},
      {"ceiling",
       {"TFLOPS", "GB/s", "L1_GB/s", "L2_GB/s", "L3_GB/s", "L4_GB/s", "DRAM_GB/s", "joules"}},
  }};
  for (const Fixture& known : fixtures) {
    if (known.name == fixture) return known.counters;
  }
  return {};
}

}  // namespace wattline::roofline
