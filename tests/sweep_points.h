// Intensity sweeps for tests: made ones with known limits and noise, and published ones.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "roofline/fit.h"

namespace wattline {

// A machine whose limits are known.
struct KnownMachine {
  double peak_flop_per_s = 1e12;
  double byte_per_s = 1e11;
  double sharpness = 2;
  double flop_j = 20e-12;
  double byte_j = 150e-12;
  double constant_w = 15;

  double Speed(double flop_per_byte) const {
    const double side = byte_per_s * flop_per_byte;
    const double ratio = std::min(peak_flop_per_s, side) / std::max(peak_flop_per_s, side);
    return std::min(peak_flop_per_s, side) *
           std::pow(1 + std::pow(ratio, sharpness), -1 / sharpness);
  }
  double Watts(double flop_per_byte, double flop_per_s) const {
    return flop_per_s * (flop_j + byte_j / flop_per_byte) + constant_w;
  }
};

// Relative, one standard deviation.
struct Noise {
  double memory_speed = 0;   // below the ridge
  double compute_speed = 0;  // above it
  double watts = 0;
};

// Powers of two from 1/16 to 1024 FLOP/byte, as `ceiling/intensity` has them, or from 2^low to
// 2^high. True clock of 3 GHz.
inline std::vector<roofline::IntensityPoint> MadeSweep(const KnownMachine& machine, Noise noise,
                                                       uint32_t seed, int low = -4, int high = 10) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<roofline::IntensityPoint> points;
  const double ridge = machine.peak_flop_per_s / machine.byte_per_s;
  for (int octave = low; octave <= high; ++octave) {
    roofline::IntensityPoint point;
    point.flop_per_byte = std::exp2(octave);
    point.row = fmt::format("flop_per_byte:{}", point.flop_per_byte);
    const double speed = machine.Speed(point.flop_per_byte);
    // What draws power is the work that was done, so the scatter of the speed is in both.
    const double scatter = point.flop_per_byte < ridge ? noise.memory_speed : noise.compute_speed;
    point.flop_per_s = speed * std::exp(scatter * normal(engine));
    point.watts = machine.Watts(point.flop_per_byte, point.flop_per_s) *
                  std::exp(noise.watts * normal(engine));
    point.clock_hz = 3e9;
    points.push_back(point);
  }
  return points;
}

// Holds the sweep under `watts`: the clock falls, and with it the speed, until the power is that.
inline void CapPower(const KnownMachine& machine, double watts,
                     std::vector<roofline::IntensityPoint>& points) {
  for (roofline::IntensityPoint& point : points) {
    if (*point.watts <= watts) continue;
    const double per_flop = machine.flop_j + machine.byte_j / point.flop_per_byte;
    const double speed = (watts - machine.constant_w) / per_flop;
    *point.clock_hz *= speed / point.flop_per_s;
    point.flop_per_s = speed;
    point.watts = watts;
  }
}

// tests/data/gpu_benches_<chip>.csv.
inline std::vector<roofline::IntensityPoint> PublishedSweep(const std::string& chip) {
  std::ifstream file(std::string(WATTLINE_SOURCE_DIR) + "/tests/data/gpu_benches_" + chip + ".csv");
  std::vector<roofline::IntensityPoint> points;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::vector<double> numbers;
    for (std::string field; std::getline(fields, field, ',');) {
      char* end = nullptr;
      const double number = std::strtod(field.c_str(), &end);
      if (end != field.c_str() && *end == '\0') numbers.push_back(number);
    }
    if (numbers.size() != 5) continue;  // the comment and the titles
    roofline::IntensityPoint point;
    point.row = fmt::format("{} at {}", chip, numbers[0]);
    point.flop_per_byte = numbers[0];
    point.flop_per_s = numbers[1] * 1e9;
    point.watts = numbers[3];
    point.clock_hz = numbers[4] * 1e6;
    points.push_back(point);
  }
  return points;
}

}  // namespace wattline
