// Register tiles of AVX-512: 14 x 32 elements of C in 28 of the 32 registers, two for B, one for A.
// 28 multiply-adds need 14 cycles on two ports; their 2 + 14 loads need 8.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_tile.h"

namespace wattline::kernels::avx512 {
namespace {

struct TileBase {
  static constexpr int kRows = 14;
  static constexpr int kVectors = 2;
  static constexpr int kLanes = 16;
  static constexpr int kWords = 1;
  static constexpr int kRowUnit = 1;
  static constexpr int kBlockGroups = 256;
  // A block of A is 672 KiB, two thirds of the smallest L2 (Zen 5). Its panel of B comes from L2,
  // 9 bytes a cycle; with 256 it stays in L1, but C is read and written twice as often: 1 % more on
  // 1024x4096x4096.
  static constexpr int kDepth = 512;
  static constexpr int kBlockRows = 24 * kRows;
  static constexpr int kTranspose = 16;

  // out[w][r] = word w of row r, 16 words of `rows` <= 16 rows.
  static void Transpose(const std::byte* src, int64_t stride_byte, int64_t rows, uint32_t* out,
                        int64_t out_stride) {
    __m512i x[16];
    tile::Unroll<16>([&]<int I>() __attribute__((always_inline)) {
      x[I] = _mm512_loadu_si512(src + (I < rows ? I : 0) * stride_byte);
    });
    // Turns 2 x 2 words, then 2 x 2 pairs: 4 x 4 within each 128-bit lane.
    __m512i y[16];
    tile::Unroll<8>([&]<int I>() __attribute__((always_inline)) {
      y[2 * I] = _mm512_unpacklo_epi32(x[2 * I], x[2 * I + 1]);
      y[2 * I + 1] = _mm512_unpackhi_epi32(x[2 * I], x[2 * I + 1]);
    });
    // x[4 q + c]: lane l holds word 4 l + c of rows 4 q .. 4 q + 3.
    tile::Unroll<4>([&]<int Q>() __attribute__((always_inline)) {
      x[4 * Q] = _mm512_unpacklo_epi64(y[4 * Q], y[4 * Q + 2]);
      x[4 * Q + 1] = _mm512_unpackhi_epi64(y[4 * Q], y[4 * Q + 2]);
      x[4 * Q + 2] = _mm512_unpacklo_epi64(y[4 * Q + 1], y[4 * Q + 3]);
      x[4 * Q + 3] = _mm512_unpackhi_epi64(y[4 * Q + 1], y[4 * Q + 3]);
    });
    const auto mask = static_cast<__mmask16>((1u << rows) - 1);
    tile::Unroll<4>([&]<int C>() __attribute__((always_inline)) {
      // Lanes as a 4 x 4 matrix, rows q, columns l: turned by two rounds of lane shuffles.
      const __m512i even01 = _mm512_shuffle_i32x4(x[C], x[4 + C], 0x88);  // lanes 0, 2 of each
      const __m512i odd01 = _mm512_shuffle_i32x4(x[C], x[4 + C], 0xdd);   // lanes 1, 3
      const __m512i even23 = _mm512_shuffle_i32x4(x[8 + C], x[12 + C], 0x88);
      const __m512i odd23 = _mm512_shuffle_i32x4(x[8 + C], x[12 + C], 0xdd);
      const auto store = [&](int64_t word, __m512i value) __attribute__((always_inline)) {
        _mm512_mask_storeu_epi32(out + word * out_stride, mask, value);
      };
      store(C, _mm512_shuffle_i32x4(even01, even23, 0x88));
      store(4 + C, _mm512_shuffle_i32x4(odd01, odd23, 0x88));
      store(8 + C, _mm512_shuffle_i32x4(even01, even23, 0xdd));
      store(12 + C, _mm512_shuffle_i32x4(odd01, odd23, 0xdd));
    });
  }

  static __m512i Word(const uint32_t* a) { return _mm512_set1_epi32(static_cast<int>(*a)); }
};

struct TileF32 : TileBase {
  using Out = float;
  using Vector = __m512;
  static constexpr int kGroup = 1;
  static Vector Zero() { return _mm512_setzero_ps(); }
  static Vector Load(const float* from) { return _mm512_loadu_ps(from); }
  static void Store(float* to, Vector x) { _mm512_storeu_ps(to, x); }
  static Vector Add(Vector x, Vector y) { return _mm512_add_ps(x, y); }
  template <int R>
  [[gnu::always_inline]] static void MultiplyAdd(Vector (&sum)[R][2], const uint32_t* a, __m512i b0,
                                                 __m512i b1) {
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const __m512 x = _mm512_castsi512_ps(Word(a + I));
      sum[I][0] = _mm512_fmadd_ps(x, _mm512_castsi512_ps(b0), sum[I][0]);
      sum[I][1] = _mm512_fmadd_ps(x, _mm512_castsi512_ps(b1), sum[I][1]);
    });
  }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    MultiplyAdd<R>(sum, a, _mm512_loadu_si512(b), _mm512_loadu_si512(b + 16));
  }
};

// For CPUs whose vdpbf16ps is slow: both operands are widened to f32 when they are packed. Those
// are Intel's, with 2 MiB of L2; more rows share what widening B costs, 1 %.
struct TileBf16Widened : TileF32 {
  using Widened = TileF32;
  static constexpr int kGroup = 2;
  static constexpr int kWords = 2;
  static constexpr int kBlockRows = 40 * kRows;
};

struct TileBf16Dot : TileF32 {
  static constexpr int kGroup = 2;
  // To nearest even; the padding element after an odd count is 0.
  static void Round(const float* from, int64_t count, uint16_t* to) {
    for (int64_t i = 0; i < count; i += 16) {
      const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffffu : (1u << (count - i)) - 1);
      const __m512 x = _mm512_maskz_loadu_ps(mask, from + i);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), (__m256i)_mm512_cvtneps_pbh(x));
    }
  }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    const auto b0 = (__m512bh)_mm512_loadu_si512(b);
    const auto b1 = (__m512bh)_mm512_loadu_si512(b + 16);
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const auto x = (__m512bh)Word(a + I);
      sum[I][0] = _mm512_dpbf16_ps(sum[I][0], x, b0);
      sum[I][1] = _mm512_dpbf16_ps(sum[I][1], x, b1);
    });
  }
};

struct TileInt8 : TileBase {
  using Out = int32_t;
  using Vector = __m512i;
  static constexpr int kGroup = 4;
  static Vector Zero() { return _mm512_setzero_si512(); }
  static Vector Load(const int32_t* from) { return _mm512_loadu_si512(from); }
  static void Store(int32_t* to, Vector x) { _mm512_storeu_si512(to, x); }
  static Vector Add(Vector x, Vector y) { return _mm512_add_epi32(x, y); }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    const __m512i b0 = _mm512_loadu_si512(b);
    const __m512i b1 = _mm512_loadu_si512(b + 16);
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const __m512i x = Word(a + I);
      sum[I][0] = _mm512_dpbusd_epi32(sum[I][0], x, b0);
      sum[I][1] = _mm512_dpbusd_epi32(sum[I][1], x, b1);
    });
  }
};

}  // namespace
}  // namespace wattline::kernels::avx512
