// Register tiles of NEON: 8 x 12 elements of C in 24 of the 32 registers, three for B, two for A,
// whose lanes multiply directly.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_tile.h"

namespace wattline::kernels::neon {
namespace {

struct TileBase {
  static constexpr int kRows = 8;
  static constexpr int kVectors = 3;
  static constexpr int kLanes = 4;
  static constexpr int kWords = 1;
  static constexpr int kRowUnit = 4;  // A is read four rows at a time
  static constexpr int kBlockGroups = 256;
  static constexpr int kDepth = 256;
  static constexpr int kBlockRows = 32 * kRows;
  static constexpr int kTranspose = 4;

  // out[w][r] = word w of row r, 4 words of `rows` <= 4 rows; writes 4 rows, RowUnit's padding
  // included.
  static void Transpose(const std::byte* src, int64_t stride_byte, int64_t rows, uint32_t* out,
                        int64_t out_stride) {
    uint32x4_t x[4];
    tile::Unroll<4>([&]<int I>() __attribute__((always_inline)) {
      const std::byte* row = src + (I < rows ? I : 0) * stride_byte;
      x[I] = vreinterpretq_u32_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(row)));
    });
    const auto even01 = vreinterpretq_u64_u32(vtrn1q_u32(x[0], x[1]));
    const auto odd01 = vreinterpretq_u64_u32(vtrn2q_u32(x[0], x[1]));
    const auto even23 = vreinterpretq_u64_u32(vtrn1q_u32(x[2], x[3]));
    const auto odd23 = vreinterpretq_u64_u32(vtrn2q_u32(x[2], x[3]));
    vst1q_u32(out, vreinterpretq_u32_u64(vtrn1q_u64(even01, even23)));
    vst1q_u32(out + out_stride, vreinterpretq_u32_u64(vtrn1q_u64(odd01, odd23)));
    vst1q_u32(out + 2 * out_stride, vreinterpretq_u32_u64(vtrn2q_u64(even01, even23)));
    vst1q_u32(out + 3 * out_stride, vreinterpretq_u32_u64(vtrn2q_u64(odd01, odd23)));
  }
};

struct TileF32 : TileBase {
  using Out = float;
  using Vector = float32x4_t;
  static constexpr int kGroup = 1;
  static Vector Zero() { return vdupq_n_f32(0); }
  static Vector Load(const float* from) { return vld1q_f32(from); }
  static void Store(float* to, Vector x) { vst1q_f32(to, x); }
  static Vector Add(Vector x, Vector y) { return vaddq_f32(x, y); }
  template <int R>
  [[gnu::always_inline]] static void MultiplyAdd(Vector (&sum)[R][3], const uint32_t* a,
                                                 const uint32x4_t (&b)[3]) {
    Vector x[(R + 3) / 4];
    tile::Unroll<(R + 3) / 4>([&]<int I>() __attribute__((always_inline)) {
      x[I] = vreinterpretq_f32_u32(vld1q_u32(a + 4 * I));
    });
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      tile::Unroll<3>([&]<int J>() __attribute__((always_inline)) {
        sum[I][J] = vfmaq_laneq_f32(sum[I][J], vreinterpretq_f32_u32(b[J]), x[I / 4], I % 4);
      });
    });
  }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][3], const uint32_t* a,
                                          const uint32_t* b) {
    MultiplyAdd<R>(sum, a, {vld1q_u32(b), vld1q_u32(b + 4), vld1q_u32(b + 8)});
  }
};

// Without the bf16 extension: both operands are widened to f32 when they are packed.
struct TileBf16 : TileF32 {
  using Widened = TileF32;
  static constexpr int kGroup = 2;
  static constexpr int kWords = 2;
};

// A's 7 bits fit into s8, so that the signed dot product serves.
struct TileInt8 : TileBase {
  using Out = int32_t;
  using Vector = int32x4_t;
  static constexpr int kGroup = 4;
  static Vector Zero() { return vdupq_n_s32(0); }
  static Vector Load(const int32_t* from) { return vld1q_s32(from); }
  static void Store(int32_t* to, Vector x) { vst1q_s32(to, x); }
  static Vector Add(Vector x, Vector y) { return vaddq_s32(x, y); }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][3], const uint32_t* a,
                                          const uint32_t* b) {
    int8x16_t x[(R + 3) / 4];
    tile::Unroll<(R + 3) / 4>([&]<int I>() __attribute__((always_inline)) {
      x[I] = vreinterpretq_s8_u32(vld1q_u32(a + 4 * I));
    });
    const int8x16_t y[3] = {vreinterpretq_s8_u32(vld1q_u32(b)),
                            vreinterpretq_s8_u32(vld1q_u32(b + 4)),
                            vreinterpretq_s8_u32(vld1q_u32(b + 8))};
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      tile::Unroll<3>([&]<int J>() __attribute__((always_inline)) {
        sum[I][J] = vdotq_laneq_s32(sum[I][J], y[J], x[I / 4], I % 4);
      });
    });
  }
};

}  // namespace
}  // namespace wattline::kernels::neon
