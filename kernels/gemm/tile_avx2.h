// Register tiles of AVX2: 6 x 16 elements of C in 12 of the 16 registers, two for B, one for A.
// 12 multiply-adds need 6 cycles on two ports; their 2 + 6 loads need 4.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_tile.h"

namespace wattline::kernels::avx2 {
namespace {

struct TileBase {
  static constexpr int kRows = 6;
  static constexpr int kVectors = 2;
  static constexpr int kLanes = 8;
  static constexpr int kWords = 1;
  static constexpr int kRowUnit = 1;
  static constexpr int kBlockGroups = 256;
  // A panel of B is 24 KiB, three quarters of the smallest L1; a block of A 216 KiB, less than half
  // of the smallest L2 (both Zen 3). A depth of 256 was 1 % slower.
  static constexpr int kDepth = 384;
  static constexpr int kBlockRows = 24 * kRows;
  static constexpr int kTranspose = 8;

  static __m256i LoadWords(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static __m256i Word(const uint32_t* a) { return _mm256_set1_epi32(static_cast<int>(*a)); }

  // out[w][r] = word w of row r, 8 words of `rows` <= 8 rows.
  static void Transpose(const std::byte* src, int64_t stride_byte, int64_t rows, uint32_t* out,
                        int64_t out_stride) {
    __m256i x[8];
    tile::Unroll<8>([&]<int I>() __attribute__((always_inline)) {
      x[I] = LoadWords(src + (I < rows ? I : 0) * stride_byte);
    });
    // Turns 2 x 2 words, then 2 x 2 pairs: 4 x 4 within each 128-bit lane.
    __m256i y[8];
    tile::Unroll<4>([&]<int I>() __attribute__((always_inline)) {
      y[2 * I] = _mm256_unpacklo_epi32(x[2 * I], x[2 * I + 1]);
      y[2 * I + 1] = _mm256_unpackhi_epi32(x[2 * I], x[2 * I + 1]);
    });
    tile::Unroll<2>([&]<int Q>() __attribute__((always_inline)) {
      x[4 * Q] = _mm256_unpacklo_epi64(y[4 * Q], y[4 * Q + 2]);
      x[4 * Q + 1] = _mm256_unpackhi_epi64(y[4 * Q], y[4 * Q + 2]);
      x[4 * Q + 2] = _mm256_unpacklo_epi64(y[4 * Q + 1], y[4 * Q + 3]);
      x[4 * Q + 3] = _mm256_unpackhi_epi64(y[4 * Q + 1], y[4 * Q + 3]);
    });
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(rows)), lanes);
    const auto store = [&](int64_t word, __m256i value) __attribute__((always_inline)) {
      _mm256_maskstore_epi32(reinterpret_cast<int*>(out + word * out_stride), mask, value);
    };
    tile::Unroll<4>([&]<int C>() __attribute__((always_inline)) {
      store(C, _mm256_permute2x128_si256(x[C], x[4 + C], 0x20));
      store(4 + C, _mm256_permute2x128_si256(x[C], x[4 + C], 0x31));
    });
  }
};

struct TileF32 : TileBase {
  using Out = float;
  using Vector = __m256;
  static constexpr int kGroup = 1;
  static Vector Zero() { return _mm256_setzero_ps(); }
  static Vector Load(const float* from) { return _mm256_loadu_ps(from); }
  static void Store(float* to, Vector x) { _mm256_storeu_ps(to, x); }
  static Vector Add(Vector x, Vector y) { return _mm256_add_ps(x, y); }
  template <int R>
  [[gnu::always_inline]] static void MultiplyAdd(Vector (&sum)[R][2], const uint32_t* a, __m256i b0,
                                                 __m256i b1) {
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const __m256 x = _mm256_castsi256_ps(Word(a + I));
      sum[I][0] = _mm256_fmadd_ps(x, _mm256_castsi256_ps(b0), sum[I][0]);
      sum[I][1] = _mm256_fmadd_ps(x, _mm256_castsi256_ps(b1), sum[I][1]);
    });
  }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    MultiplyAdd<R>(sum, a, LoadWords(b), LoadWords(b + 8));
  }
};

// bf16 has no instruction here: both operands are widened to f32 when they are packed.
struct TileBf16 : TileF32 {
  using Widened = TileF32;
  static constexpr int kGroup = 2;
  static constexpr int kWords = 2;
};

// u8 x s8 in three instructions: pairs to 16 bits (no saturation, A has 7 bits), pairs of those to
// 32 bits, sum.
struct TileInt8 : TileBase {
  using Out = int32_t;
  using Vector = __m256i;
  static constexpr int kGroup = 4;
  static Vector Zero() { return _mm256_setzero_si256(); }
  static Vector Load(const int32_t* from) { return LoadWords(from); }
  static void Store(int32_t* to, Vector x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x);
  }
  static Vector Add(Vector x, Vector y) { return _mm256_add_epi32(x, y); }
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    const __m256i ones = _mm256_set1_epi16(1);
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const __m256i x = Word(a + I);
      tile::Unroll<2>([&]<int J>() __attribute__((always_inline)) {
        const __m256i pairs = _mm256_maddubs_epi16(x, LoadWords(b + 8 * J));
        sum[I][J] = _mm256_add_epi32(sum[I][J], _mm256_madd_epi16(pairs, ones));
        // Sums of integers may be reordered: g++ 12 added the products of several steps first and
        // spilled them (94 in place of 98 % of the peak).
        asm("" : "+x"(sum[I][J]));
      });
    });
  }
};

}  // namespace
}  // namespace wattline::kernels::avx2
