// A small seeded generator for test data and weights: the same numbers on every machine.
#pragma once

#include <cstdint>

namespace wattline::kernels {

// splitmix64 (Steele, Lea, Flood 2014): one multiply-shift chain per draw, any seed is good.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [0, 1).
  float Uniform() { return static_cast<float>(Next() >> 40) * 0x1p-24f; }
  // Mean 0, variance 1: the sum of 4 uniforms, scaled. Close to normal, bounded by 3.47.
  float Normal() {
    const uint64_t bits = Next();
    const auto part = [bits](int i) { return static_cast<float>((bits >> (16 * i)) & 0xffffu); };
    // Each 16-bit part has mean 32767.5 and variance (2^32 - 1) / 12.
    return (part(0) + part(1) + part(2) + part(3) - 131070.0f) * (1.0f / 37837.0f);
  }

 private:
  uint64_t state_;
};

}  // namespace wattline::kernels
