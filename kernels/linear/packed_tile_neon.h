// Packed weights meeting many tokens on NEON with dot products: 8 rows of W at a time, whose 16
// vectors of a run stay in registers while the tokens pass, four at a time. Both sides are signed:
// q4_0 is stored less its 8.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/tile_neon.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/simd/packed_neon.h"

namespace wattline::kernels::neon {
namespace {

struct PackedTile {
  using Turn = TileInt8;
  static constexpr int kCols = 16;
  static constexpr int kTokens = 64;
  static constexpr int64_t kBlockRuns = packed_panel::kAllRuns;
  static constexpr bool kBias = false;
  static int32_t Start(int32_t) { return 0; }

  template <class U, Format kFormat>
  static constexpr int Shift() {
    return kFormat == Format::kQ4_0 ? -8 : 0;
  }
  template <class U, Format>
  static constexpr int Zero() {
    return 0;
  }
  template <class U, Format kFormat>
  static constexpr bool HasOffset() {
    return U::kOffset && kFormat != Format::kQ4_0;
  }
  template <int kShift>
  static void StoreShifted(Neon::Bytes q, uint8_t* to) {
    vst1q_u8(to, vaddq_u8(q.low, vdupq_n_u8(static_cast<uint8_t>(kShift))));
    vst1q_u8(to + 16, vaddq_u8(q.high, vdupq_n_u8(static_cast<uint8_t>(kShift))));
  }

  template <bool kOffset>
  static void Widen(float* scale, float* offset) {
    for (int i = 0; i < kCols; i += 4) {
      const uint32x4_t words = vreinterpretq_u32_f32(vld1q_f32(scale + i));
      vst1q_f32(scale + i, vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(words))));
      if constexpr (kOffset) {
        vst1q_f32(offset + i, vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(words, 16))));
      }
    }
  }

  struct Sums {
    int32_t low, high;
  };
  static Sums Quantise(const float* x, int8_t* q, float* scale) {
    const float largest = Neon::LargestMagnitude32(x);
    const bool tiny = largest < packed_panel::kTiny;
    *scale = tiny ? 0.0f : largest / 127.0f;
    Neon::Round32(x, tiny ? 0.0f : 127.0f / largest, q);
    return {vaddlvq_s8(vld1q_s8(q)), vaddlvq_s8(vld1q_s8(q + 16))};
  }

  template <class V, Format kFormat>
  static void Run(const packed_panel::RunArgs& args) {
    using U = Unpack<V, kFormat>;
    const int64_t fours = args.tokens / 4 * 4;
    for (int column = 0; column < kCols; column += 8) {
      constexpr bool kOffset = HasOffset<U, kFormat>();
      if (fours > 0) TokensOf<4, U::kScales, kOffset>(args, column, 0, fours);
      if (fours < args.tokens) TokensOf<1, U::kScales, kOffset>(args, column, fours, args.tokens);
    }
  }

  // Not inlined: the registers are its own.
  template <int kCount, int kScales, bool kOffset>
  [[gnu::noinline]] static void TokensOf(const packed_panel::RunArgs& args, int column,
                                         int64_t from, int64_t to) {
    int8x16_t w[8][2];
    Unroll<8>([&](auto g) __attribute__((always_inline)) {
      Unroll<2>([&](auto v) __attribute__((always_inline)) {
        constexpr int kGroup = decltype(g)::value, kVector = decltype(v)::value;
        w[kGroup][kVector] =
            vreinterpretq_s8_u32(vld1q_u32(args.packed + kGroup * kCols + column + kVector * 4));
      });
    });
    const float* scale = args.scale + column;
    const float* offset = args.offset + column;
    for (int64_t t = from; t < to; t += kCount) {
      float32x4_t part[kCount][2];
      int32x4_t dot[kCount][2];
      Unroll<2>([&](auto half) __attribute__((always_inline)) {
        constexpr int kHalf = decltype(half)::value;
        int8x16_t x[kCount];
        Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value;
          x[kToken] = vld1q_s8(args.x + (t + kToken) * 32 + kHalf * 16);
          if constexpr (kHalf == 0 || kScales == 2) {
            dot[kToken][0] = dot[kToken][1] = vdupq_n_s32(0);
          }
        });
        Unroll<4>([&](auto step) __attribute__((always_inline)) {
          constexpr int kStep = decltype(step)::value, kGroup = kHalf * 4 + kStep;
          Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
            constexpr int kToken = decltype(i)::value;
            dot[kToken][0] = vdotq_laneq_s32(dot[kToken][0], w[kGroup][0], x[kToken], kStep);
            dot[kToken][1] = vdotq_laneq_s32(dot[kToken][1], w[kGroup][1], x[kToken], kStep);
          });
        });
        if constexpr (kHalf == 1 || kScales == 2) {
          Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
            Unroll<2>([&](auto v) __attribute__((always_inline)) {
              constexpr int kToken = decltype(i)::value, kVector = decltype(v)::value;
              constexpr int kScale = kScales == 2 ? kHalf * kCols : 0;
              const float32x4_t sum = vcvtq_f32_s32(dot[kToken][kVector]);
              const float32x4_t factor = vld1q_f32(scale + kScale + kVector * 4);
              if constexpr (kScales == 2 && kHalf == 1) {
                part[kToken][kVector] = vfmaq_f32(part[kToken][kVector], sum, factor);
              } else {
                part[kToken][kVector] = vmulq_f32(sum, factor);
              }
            });
          });
        }
      });
      Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
        Unroll<2>([&](auto v) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value, kVector = decltype(v)::value;
          float32x4_t sum = part[kToken][kVector];
          if constexpr (kOffset) {
            sum = vfmaq_n_f32(sum, vld1q_f32(offset + kVector * 4), args.x_sum[t + kToken]);
          }
          float* at = args.sums + (t + kToken) * kCols + column + kVector * 4;
          vst1q_f32(at, vfmaq_n_f32(vld1q_f32(at), sum, args.x_scale[t + kToken]));
        });
      });
    }
  }
};

}  // namespace
}  // namespace wattline::kernels::neon
