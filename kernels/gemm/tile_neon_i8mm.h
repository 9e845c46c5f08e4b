// Tiles of C for NEON with bf16 and i8mm: 8 x 12 elements in 24 of the 32 registers, 2 x 2 in each,
// four registers for A, one or two for B. bfmmla and smmla multiply two rows by two columns over 8
// bytes of k: twice to four times the work of fmla, and twice that of sdot.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/simd/unroll.h"

namespace wattline::kernels::neon_i8mm {
namespace {

struct TileBase {
  static constexpr int64_t kRows = 8;
  static constexpr int64_t kCols = 12;
  static constexpr int64_t kStepByte = 8;
  // Panels of 8 KiB of A and 12 KiB of B, in a first-level cache of 64 KiB or more.
  static constexpr int64_t kBlockSteps = 128;
  // 504 KiB of C and 256 KiB of A.
  static constexpr int64_t kBlockRows = 256;
  static constexpr int64_t kBlockCols = 504;
  // Panels of B follow each other in memory as they are read.
  static constexpr int64_t kNextLines = 0;

  static void Begin() {}
  static void End() {}
};

template <class P>
[[gnu::always_inline]] inline void Multiply(const std::byte* a, const std::byte* b, int64_t steps,
                                            typename P::Out* c, int64_t c_stride, bool accumulate) {
  typename P::Sum sum[4][6];
  Unroll<24>([&](auto at)
                 __attribute__((always_inline)) { sum[at.value / 6][at.value % 6] = P::Zero(); });
  for (int64_t step = 0; step < steps; ++step) {
    typename P::Vector x[4];
    Unroll<4>([&](auto i)
                  __attribute__((always_inline)) { x[i.value] = P::Load(a + 16 * i.value); });
    Unroll<6>([&](auto j) __attribute__((always_inline)) {
      const typename P::Vector y = P::Load(b + 16 * j.value);
      Unroll<4>([&](auto i) __attribute__((always_inline)) {
        sum[i.value][j.value] = P::MulAdd(sum[i.value][j.value], x[i.value], y);
      });
      // g++ 12 else loads all of B first and spills three sums in every step.
      asm volatile("" ::: "memory");
    });
    a += TileBase::kRows * TileBase::kStepByte;
    b += TileBase::kCols * TileBase::kStepByte;
  }
  // The first half of a sum belongs to the upper one of its two rows.
  Unroll<12>([&](auto at) __attribute__((always_inline)) {
    constexpr int kPair = at.value / 3;
    constexpr int kFour = at.value % 3;
    typename P::Out* upper = c + 2 * kPair * c_stride + 4 * kFour;
    const auto left = sum[kPair][2 * kFour];
    const auto right = sum[kPair][2 * kFour + 1];
    P::Put(upper, P::Upper(left, right), accumulate);
    P::Put(upper + c_stride, P::Lower(left, right), accumulate);
  });
}

struct TileBf16 : TileBase {
  using Out = float;
  using Sum = float32x4_t;
  using Vector = bfloat16x8_t;
  static constexpr int64_t kElementByte = 2;
  static Sum Zero() { return vdupq_n_f32(0); }
  static Vector Load(const std::byte* at) {
    return vreinterpretq_bf16_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(at)));
  }
  static Sum MulAdd(Sum sum, Vector x, Vector y) { return vbfmmlaq_f32(sum, x, y); }
  static Sum Upper(Sum left, Sum right) {
    return vreinterpretq_f32_f64(
        vzip1q_f64(vreinterpretq_f64_f32(left), vreinterpretq_f64_f32(right)));
  }
  static Sum Lower(Sum left, Sum right) {
    return vreinterpretq_f32_f64(
        vzip2q_f64(vreinterpretq_f64_f32(left), vreinterpretq_f64_f32(right)));
  }
  static void Put(float* c, Sum sum, bool accumulate) {
    vst1q_f32(c, accumulate ? vaddq_f32(vld1q_f32(c), sum) : sum);
  }
  [[gnu::noinline]] static void Kernel(const std::byte* a, const std::byte* b, int64_t steps,
                                       float* c, int64_t c_stride, bool accumulate,
                                       const std::byte* /*next*/) {
    Multiply<TileBf16>(a, b, steps, c, c_stride, accumulate);
  }
};

// A's 7 bits fit into s8, so that the signed product serves.
struct TileInt8 : TileBase {
  using Out = int32_t;
  using Sum = int32x4_t;
  using Vector = int8x16_t;
  static constexpr int64_t kElementByte = 1;
  static Sum Zero() { return vdupq_n_s32(0); }
  static Vector Load(const std::byte* at) { return vld1q_s8(reinterpret_cast<const int8_t*>(at)); }
  static Sum MulAdd(Sum sum, Vector x, Vector y) { return vmmlaq_s32(sum, x, y); }
  static Sum Upper(Sum left, Sum right) {
    return vreinterpretq_s32_s64(
        vzip1q_s64(vreinterpretq_s64_s32(left), vreinterpretq_s64_s32(right)));
  }
  static Sum Lower(Sum left, Sum right) {
    return vreinterpretq_s32_s64(
        vzip2q_s64(vreinterpretq_s64_s32(left), vreinterpretq_s64_s32(right)));
  }
  static void Put(int32_t* c, Sum sum, bool accumulate) {
    vst1q_s32(c, accumulate ? vaddq_s32(vld1q_s32(c), sum) : sum);
  }
  [[gnu::noinline]] static void Kernel(const std::byte* a, const std::byte* b, int64_t steps,
                                       int32_t* c, int64_t c_stride, bool accumulate,
                                       const std::byte* /*next*/) {
    Multiply<TileInt8>(a, b, steps, c, c_stride, accumulate);
  }
};

}  // namespace
}  // namespace wattline::kernels::neon_i8mm
