// What both ways of attention need of the online softmax.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/simd/simd.h"

namespace wattline::kernels::attention_cpu {

// Below every score, and a running maximum before the first.
inline constexpr float kLowest = -3.4028235e38f;

constexpr int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t Larger(int64_t a, int64_t b) { return a > b ? a : b; }

// out[n] = x[n] / sum.
template <class S>
[[gnu::always_inline]] inline void Normalise(const float* x, float sum, int64_t n, float* out) {
  const auto factor = S::Set1(1.0f / sum);
  for (int64_t d = 0; d < n; d += S::kLanes) S::Store(out + d, S::Mul(S::Load(x + d), factor));
}

}  // namespace wattline::kernels::attention_cpu
