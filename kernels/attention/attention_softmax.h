// One step of the online softmax over a tile of scores, shared by both ways of attention.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/simd/simd.h"

namespace wattline::kernels::attention_cpu {

// Below every score, and a running maximum before the first.
inline constexpr float kLowest = -3.4028235e38f;

constexpr int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t Larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Running values of up to 8 rows in a block of kStatFloats floats, so that whole vectors load what
// whole vectors stored: a load that gathers several stores, or one with a mask, waits for the
// cache.
using Stats = float*;

template <class S>
[[gnu::always_inline]] inline void StartStats(Stats max, Stats sum) {
  for (int64_t i = 0; i < kStatFloats; i += S::kLanes) {
    S::Store(max + i, S::Set1(kLowest));
    S::Store(sum + i, S::Zero());
  }
}

// One number per row, in as few vectors as hold them.
template <class S, int kRows>
struct PerRow {
  static constexpr int kVectors = (kRows + S::kLanes - 1) / S::kLanes;
  typename S::F32 of[kVectors];
};

// Joins 4 vectors at a time into 4 numbers: `join` is the wrapper's SumQuad or MaxQuad.
template <class S, int kRows, typename Join>
[[gnu::always_inline]] inline PerRow<S, kRows> JoinLanes(const typename S::F32 (&rows)[kRows],
                                                         Join join) {
  constexpr int kLast = kRows - 1;
  const auto quad = [&](int r) {
    return join(rows[Smaller(r, kLast)], rows[Smaller(r + 1, kLast)], rows[Smaller(r + 2, kLast)],
                rows[Smaller(r + 3, kLast)]);
  };
  PerRow<S, kRows> out;
  if constexpr (S::kLanes == 4) {
    for (int i = 0; i < PerRow<S, kRows>::kVectors; ++i) out.of[i] = quad(4 * i);
  } else {
    out.of[0] = S::FromQuads(quad(0), quad(4));
  }
  return out;
}

// row[p] = 2^(row[p] * by + shift) for p < width; returns the lanes' sums.
template <class S>
[[gnu::always_inline]] inline typename S::F32 Weigh(float* row, int64_t width, typename S::F32 by,
                                                    typename S::F32 shift) {
  auto sum = S::Zero();
  for (int64_t p = 0; p < width; p += S::kLanes) {
    const auto weight = Exp2AtLeast<S>(S::Fma(S::Load(row + p), by, shift));
    S::Store(row + p, weight);
    sum = S::Add(sum, weight);
  }
  return sum;
}

// scores[kRows, kTilePositions]: of row r the first seen[r] are scores, to be multiplied by
// `scale`, which includes log2(e); what lies behind them is ignored. Makes them weights 2^(score -
// max), nothing (below 2^-125) from seen[r] up to `width`, a multiple of the vector; updates the
// rows' running max and sum. factor[kStatFloats] becomes what was summed before is worth now:
// 2^(old max - new max).
//
// All rows go through each stage together, without branches on data: row after row, with a branch
// on a new maximum, was 30 % of a prefill on AVX-512.
template <class S, int kRows>
[[gnu::always_inline]] inline void SoftmaxStep(float* scores, const int64_t (&seen)[kRows],
                                               int64_t width, float scale, Stats max, Stats sum,
                                               float* factor) {
  using F32 = typename S::F32;
  for (int r = 0; r < kRows; ++r) {
    for (int64_t p = seen[r]; p < width; ++p) scores[r * kTilePositions + p] = kLowest;
  }
  F32 lanes[kRows];
  for (int r = 0; r < kRows; ++r) {
    const float* row = scores + r * kTilePositions;
    lanes[r] = S::Load(row);
    for (int64_t p = S::kLanes; p < width; p += S::kLanes) {
      lanes[r] = S::Max(lanes[r], S::Load(row + p));
    }
  }
  const auto by = S::Set1(scale);
  const PerRow<S, kRows> tile_max = JoinLanes<S, kRows>(lanes, S::MaxQuad);
  PerRow<S, kRows> change;
  float shift[kStatFloats];
  for (int i = 0; i < PerRow<S, kRows>::kVectors; ++i) {
    const int at = i * S::kLanes;
    const auto before = S::Load(max + at);
    const auto now = S::Max(before, S::Mul(tile_max.of[i], by));
    S::Store(max + at, now);
    change.of[i] = S::Sub(before, now);
    // A row that has seen nothing yet keeps a maximum of kLowest * scale or so: no shift of it may
    // lift its lowest scores to a weight of 1.
    S::Store(shift + at, S::Sub(S::Zero(), S::Max(now, S::Set1(-1e30f))));
  }
  for (int r = 0; r < kRows; ++r) {
    float* row = scores + r * kTilePositions;
    const auto by_shift = S::Set1(shift[r]);
    lanes[r] = width == kTilePositions ? Weigh<S>(row, kTilePositions, by, by_shift)
                                       : Weigh<S>(row, width, by, by_shift);
  }
  const PerRow<S, kRows> tile_sum = JoinLanes<S, kRows>(lanes, S::SumQuad);
  for (int i = 0; i < PerRow<S, kRows>::kVectors; ++i) {
    const int at = i * S::kLanes;
    const auto worth = Exp2AtLeast<S>(change.of[i]);
    S::Store(factor + at, worth);
    S::Store(sum + at, S::Fma(S::Load(sum + at), worth, tile_sum.of[i]));
  }
}

// out[n] = x[n] / sum.
template <class S>
[[gnu::always_inline]] inline void Normalise(const float* x, float sum, int64_t n, float* out) {
  const auto factor = S::Set1(1.0f / sum);
  for (int64_t d = 0; d < n; d += S::kLanes) S::Store(out + d, S::Mul(S::Load(x + d), factor));
}

}  // namespace wattline::kernels::attention_cpu
