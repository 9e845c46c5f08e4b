// Results files of a machine whose limits are known, as bench writes them.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/sweep_points.h"

namespace wattline {

// Two levels of cache and memory, 2 threads; the same peak over each level.
struct MadeLevel {
  const char* name;
  int kib;         // of the rows that stand for it
  double end_kib;  // capacity per thread
  double byte_per_s;
  double byte_j;
};
inline constexpr MadeLevel kMadeLevels[] = {{"L1", 32, 48, 4e11, 5e-12},
                                            {"L2", 512, 2048, 1.6e11, 12e-12},
                                            {"DRAM", 524288, 1e9, 3.3e10, 500e-12}};

inline KnownMachine MadeMachine(const MadeLevel& level) {
  return {.peak_flop_per_s = 4.5e11,
          .byte_per_s = level.byte_per_s,
          .sharpness = 2.5,
          .flop_j = 60e-12,
          .byte_j = level.byte_j,
          .constant_w = 12};
}

class MadeResults {
 public:
  explicit MadeResults(uint32_t seed = 1, std::string chip = "Made Chip") : engine_(seed) {
    std::string slug = chip;
    for (char& c : slug) c = c == ' ' ? '-' : static_cast<char>(std::tolower(c));
    json_["context"] = {
        {"schema_version", 1},
        {"chip", chip},
        {"chip_slug", slug},
        {"threads", 2},
        {"memory_byte", 16e9},
        {"cache_levels",
         {{{"level", 1}, {"type", "data"}, {"byte", 48 * 1024}},
          {{"level", 2}, {"type", "unified"}, {"byte", 2048 * 1024}}}},
        {"meters",
         {{{"name", "rapl"},
           {"kind", "counter"},
           {"domains", {{{"name", "package-0"}, {"scope", "package"}, {"in_total", true}}}}}}}};
    json_["benchmarks"] = nlohmann::ordered_json::array();
  }

  using Counters = std::map<std::string, double>;
  void Add(const std::string& name, const Counters& counters, int repetition = 0) {
    nlohmann::ordered_json row = {{"name", name},
                                  {"run_name", name},
                                  {"run_type", "iteration"},
                                  {"repetition_index", repetition},
                                  {"threads", 1},
                                  {"iterations", 10},
                                  {"real_time", 2.0},
                                  {"cpu_time", 2.0},
                                  {"time_unit", "ms"}};
    for (const auto& [key, value] : counters) row[key] = value;
    json_["benchmarks"].push_back(std::move(row));
  }

  double Noisy(double value, double share) { return value * std::exp(share * normal_(engine_)); }

  void AddLevels() {
    Counters counters;
    for (double kib = 8; kib <= 524288; kib *= std::sqrt(2.0)) {
      double rate = 0;
      for (const MadeLevel& level : kMadeLevels) {
        if (rate == 0 && kib <= level.end_kib) rate = level.byte_per_s;
      }
      counters[fmt::format("GB/s@byte:{:.0f}", kib * 1024)] = Noisy(rate, 0.01) * 1e-9;
    }
    Add("ceiling/levels/f32/per_octave:2/threads:2/cpu", counters);
  }

  static std::string IntensityName(const std::string& format, int kib, double flop_per_byte) {
    return fmt::format("ceiling/intensity/{}/kb:{}/flop_per_byte:{}/threads:2/cpu", format, kib,
                       flop_per_byte);
  }
  static Counters PointCounters(const roofline::IntensityPoint& point, bool with_joules) {
    Counters counters = {{"TFLOPS", point.flop_per_s * 1e-12},
                         {"GB/s", point.flop_per_s / point.flop_per_byte * 1e-9},
                         {"AI", point.flop_per_byte},
                         {"doubling", 2.01},
                         {"spread", 0.01},
                         {"drift", 0.01},
                         {"clock_GHz", *point.clock_hz * 1e-9}};
    if (with_joules) {
      counters["watts"] = *point.watts;
      counters["joules"] = *point.watts * 2e-3;
      counters["joules_err"] = *point.watts * 2e-5;
    }
    return counters;
  }
  void AddSweep(const std::string& format, const MadeLevel& level, bool with_joules,
                Noise noise = {0.01, 0.01, 0.005}) {
    for (const auto& point : MadeSweep(MadeMachine(level), noise, engine_())) {
      Add(IntensityName(format, level.kib, point.flop_per_byte), PointCounters(point, with_joules));
    }
  }
  void AddPeak(const std::string& format, double flop_per_s, int repetition = 0) {
    Add(fmt::format("ceiling/peak/{}/threads:2/cpu", format), {{"TFLOPS", flop_per_s * 1e-12}},
        repetition);
  }
  void AddStream(const std::string& kind, int kib, double byte_per_s, int repetition = 0) {
    Add(fmt::format("ceiling/{}/f32/kb:{}/threads:2/cpu", kind, kib), {{"GB/s", byte_per_s * 1e-9}},
        repetition);
  }

  nlohmann::ordered_json& json() { return json_; }
  nlohmann::ordered_json& RowOf(const std::string& name) {
    for (auto& row : json_["benchmarks"]) {
      if (row["name"] == name) return row;
    }
    return json_["benchmarks"].back();
  }
  std::string Text() const { return json_.dump(2) + "\n"; }

 private:
  nlohmann::ordered_json json_;
  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

}  // namespace wattline
