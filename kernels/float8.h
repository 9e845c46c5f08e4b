// Numbers of 8 and 4 bits as bit patterns: E4M3, E8M0 and E2M1 (Open Compute Project, "OCP 8-bit
// Floating Point Specification" 1.0 and "OCP Microscaling Formats (MX) Specification" 1.0). Exact
// conversions to double.
#pragma once

#include <cmath>
#include <limits>

namespace wattline::kernels {

// An exponent alone, 2^(code - 127); 255 is the NaN. MLX and ggml have no NaN there: MLX reads 255
// as infinity, ggml as 2^128. The products of 253 with E2M1's 4 and 6, and those of 254 with 2 and
// more, pass f32's range.
inline double FromE8M0(int code) {
  if (code == 255) return std::numeric_limits<double>::quiet_NaN();
  return std::ldexp(1.0, code - 127);
}

// Sign, 4 bits of exponent, 3 of fraction; no infinity, up to 448; both signs of 127 are NaN. As a
// scale (NVIDIA's UE4M3) it has no sign, but MLX reads one.
inline double FromE4M3(int code) {
  const int exponent = code >> 3 & 15, fraction = code & 7;
  if ((code & 127) == 127) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -9)  // subnormal
                                         : std::ldexp(8 + fraction, exponent - 10);
  return (code & 128) != 0 ? -magnitude : magnitude;
}

// Sign, 2 bits of exponent, 1 of fraction: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
inline double FromE2M1(int code) {
  constexpr double kMagnitude[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  const double magnitude = kMagnitude[code & 7];
  return (code & 8) != 0 ? -magnitude : magnitude;
}

}  // namespace wattline::kernels
