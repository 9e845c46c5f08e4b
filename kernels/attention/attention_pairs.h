// Scores of few queries against keys in q8_0, summed in integers: queries are rounded to 16 bits
// with a scale per row, keys stay what they are, and each block's sum meets its scale once. With
// pairs of elements in each lane, 4 rows and 32 elements take a quarter of the instructions that
// products of f32 need, widening included (AVX-512: 7 against 28).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_prefetch.h"
#include "kernels/simd/unroll.h"
#include "kernels/slice.h"

namespace wattline::kernels::attention_cpu {

// S has, beside what attention_kv.h wants,
// - Pairs: kLanes pairs of 16-bit integers, or as many 32-bit sums;
// - ZeroPairs(), LoadPairs(const int16_t*), PairDot(sum, a, b) = sum + a0 b0 + a1 b1 in each lane;
// - FloatOf(sums); WidenPairs(p, out): kLanes * 2 signed bytes to as many 16-bit integers.
template <class S>
concept HasPairs = requires {
  typename S::Pairs;
};

// kParts as in SplitPiece; the lanes of a row hold 2 kParts elements.
template <class S, int kParts>
struct PairProduct {
  using F32 = typename S::F32;
  using Pairs = typename S::Pairs;
  static constexpr int kBlock = 32;
  static constexpr int kBlockByte = 34;
  static constexpr int64_t kStride = 2 * kSplitStride;  // of widened keys
  static constexpr int64_t kLaneElements = 2 * S::kLanes;

  // Row `lane` of a vector's `q` [head_dim / (2 kParts), kLanes, 2]; returns its scale.
  static float Round(const float* row, int64_t head_dim, int64_t lane, int16_t* q) {
    float most = 0;
    for (int64_t d = 0; d < head_dim; ++d) {
      const float size = __builtin_fabsf(row[d]);
      most = size > most ? size : most;
    }
    const float steps = most > 0 ? kMostPair / most : 0;
    q += lane * 2 * kParts;
    for (int64_t d = 0; d < head_dim; d += 2 * kParts) {
      for (int64_t j = 0; j < 2 * kParts; ++j) {
        const float x = row[d + j] * steps;
        q[j] = static_cast<int16_t>(x + __builtin_copysignf(0.5f, x));
      }
      q += kLaneElements;
    }
    return most / kMostPair;
  }

  // Elements [begin, end) of `count` rows of keys, kStride apart.
  [[gnu::noinline]] static void Widen(const std::byte* rows, int64_t row_byte, int64_t count,
                                      Range elements, int16_t* out) {
    const int64_t blocks = (elements.end - elements.begin) / kBlock;
    rows += elements.begin / kBlock * kBlockByte + 2;
    for (int64_t p = 0; p < count; ++p) {
      for (int64_t i = 0; i < blocks; ++i) {
        for (int64_t j = 0; j < kBlock; j += kLaneElements) {
          S::WidenPairs(rows + i * kBlockByte + j, out + i * kBlock + j);
        }
      }
      rows += row_byte;
      out += kStride;
    }
  }

  // scores[kSplitStep / kParts, lane] of a vector's rows, whose scales are `by`: what `blocks`
  // blocks of the widened keys `k` add, or, with `first`, make. scales[block, kTilePositions] are
  // the keys'. Asks for `ahead`, which moves by ahead_byte with each half of the keys.
  [[gnu::noinline]] static void Scores(const int16_t* q, F32 by, const int16_t* k,
                                       const float* scales, int64_t blocks, bool first,
                                       const std::byte* ahead, int64_t ahead_byte, float* scores) {
    constexpr int kP = S::kRegisters / 4;  // positions, with two sums each
    static_assert(kSplitStep % kP == 0);
    for (int64_t from = 0; from < kSplitStep; from += kP) {
      F32 sum[kP];
      Unroll<kP>([&](auto i) { sum[i.value] = S::Zero(); });
      for (int64_t block = 0; block < blocks; ++block) {
        Prefetch<kP * kBlockByte>(ahead + block * kP * kBlockByte);
        const int16_t* query = q + block * kBlock / (2 * kParts) * kLaneElements;
        const int16_t* key = k + from * kStride + block * kBlock;
        Pairs dots[kP];
        Unroll<kP>([&](auto i) { dots[i.value] = S::ZeroPairs(); });
        Unroll<kBlock / (2 * kParts)>([&](auto step) {
          const Pairs row = S::LoadPairs(query + step.value * kLaneElements);
          Unroll<kP>([&](auto i) {
            const Pairs pair =
                S::template RepeatPairs<kParts>(key + i.value * kStride + step.value * 2 * kParts);
            dots[i.value] = S::PairDot(dots[i.value], row, pair);
          });
        });
        const float* scale = scales + block * kTilePositions + from;
        Unroll<kP>([&](auto i) {
          sum[i.value] = S::Fma(S::FloatOf(dots[i.value]), S::Set1(scale[i.value]), sum[i.value]);
        });
      }
      Unroll<kP / kParts>([&](auto i) {
        F32 joined = S::Mul(by, JoinParts<S, kParts>(sum + i.value * kParts));
        float* to = scores + (from / kParts + i.value) * S::kLanes;
        if (!first) joined = S::Add(joined, S::Load(to));
        S::Store(to, joined);
      });
      ahead += ahead_byte;
    }
  }

 private:
  static constexpr float kMostPair = 32767;
};

}  // namespace wattline::kernels::attention_cpu
