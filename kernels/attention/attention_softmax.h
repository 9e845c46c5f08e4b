// One step of the online softmax over a tile of scores, shared by both ways of attention.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/simd/simd.h"

namespace wattline::kernels::attention_cpu {

// Below every score; its exponential is 0 against any maximum.
inline constexpr float kLowest = -3.4028235e38f;

constexpr int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// scores[kTilePositions]: `seen` scores of one query row, to be multiplied by `scale`, which
// includes log2(e); what lies behind them is ignored. Makes them weights 2^(score - max), 0 from
// `seen` up to `width`, a multiple of the vector; updates the row's running max and sum. Returns
// the factor for what was summed before: 2^(old max - new max).
template <class S>
[[gnu::always_inline]] inline float SoftmaxStep(float* scores, int64_t seen, int64_t width,
                                                float scale, float& max, float& sum) {
  if (seen <= 0) {
    for (int64_t p = 0; p < width; p += S::kLanes) S::Store(scores + p, S::Zero());
    return 1.0f;
  }
  const int64_t end = (seen + S::kLanes - 1) / S::kLanes * S::kLanes;
  for (int64_t p = seen; p < end; ++p) scores[p] = kLowest;
  auto highest = S::Set1(kLowest);
  for (int64_t p = 0; p < end; p += S::kLanes) highest = S::Max(highest, S::Load(scores + p));
  const float tile_max = S::ReduceMax(highest) * scale;
  const float before = max;
  if (tile_max > before) max = tile_max;
  const auto s = S::Set1(scale);
  const auto shift = S::Set1(-max);
  auto total = S::Zero();
  int64_t p = 0;
  for (; p < end; p += S::kLanes) {
    const auto weight = Exp2<S>(S::Fma(S::Load(scores + p), s, shift));
    S::Store(scores + p, weight);
    total = S::Add(total, weight);
  }
  for (; p < width; p += S::kLanes) S::Store(scores + p, S::Zero());
  float factor = 1.0f;
  if (tile_max > before) {
    float lanes[S::kLanes];
    S::Store(lanes, Exp2<S>(S::Set1(before - max)));
    factor = lanes[0];
  }
  sum = sum * factor + S::ReduceSum(total);
  return factor;
}

// out[n] = x[n] / sum.
template <class S>
[[gnu::always_inline]] inline void Normalise(const float* x, float sum, int64_t n, float* out) {
  const auto factor = S::Set1(1.0f / sum);
  for (int64_t d = 0; d < n; d += S::kLanes) S::Store(out + d, S::Mul(S::Load(x + d), factor));
}

}  // namespace wattline::kernels::attention_cpu
