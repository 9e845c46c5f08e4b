// Packed weights meeting many tokens on AVX-512: vpdpbusd, 32 rows of W by 4 tokens.
//
// The 16 vectors of a run's weights stay in registers while the tokens pass; each word of x, spread
// over a vector, serves two dot products. Per run, token and vector of sums that is 8 vpdpbusd and
// 2 multiply-adds (3 with an offset) on two ports: at most 80 % (73 %) of the peak. The loop alone,
// its data in L1, reaches 75 %, and 79 % where x is not loaded (Emerald Rapids, 2026-11-21): the
// vectors in flight fill the register file. What lost there: 14 tokens with the weights from memory
// (69 %), 4 vectors and half a run in registers (66 %), 3 tokens at a time (72 %), 5 or 6 (73 %).
//
// No conversion: the integer sums start from the bits of the float kMagic, so that their bits read
// as a float are kMagic + sum, exactly, and the scale takes kMagic away again: fma(kMagic + sum,
// scale, -kMagic scale) rounds once, as the product of sum and scale would. |sum| <= 32 255 127 +
// 128 32 127 < 2^21 keeps the exponent.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/tile_avx512.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels::avx512 {
namespace {

struct PackedTile {
  using Turn = TileInt8;
  static constexpr int kCols = 32;
  static constexpr int kTokens = 64;
  static constexpr bool kBias = true;
  static constexpr float kMagic = 0x1.8p23f;
  static constexpr int32_t kMagicBits = 0x4b400000;
  static int32_t Start(int32_t zero_sum) { return kMagicBits - zero_sum; }

  // vpdpbusd takes unsigned weights.
  template <class U, Format>
  static constexpr int Shift() {
    return U::kSigned ? U::kLargest : 0;
  }
  template <class U, Format kFormat>
  static constexpr int Zero() {
    return kFormat == Format::kQ4_0 ? 8 : Shift<U, kFormat>();
  }
  template <class U, Format kFormat>
  static constexpr bool HasOffset() {
    return U::kOffset && kFormat != Format::kQ4_0;
  }
  template <int kShift>
  static void StoreShifted(__m256i q, uint8_t* to) {
    if constexpr (kShift != 0) q = _mm256_add_epi8(q, _mm256_set1_epi8(static_cast<char>(kShift)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), q);
  }

  template <bool kOffset>
  static void Widen(float* scale, float* offset) {
    for (int i = 0; i < kCols; i += 16) {
      const __m512i words = _mm512_load_si512(scale + i);
      _mm512_store_ps(scale + i, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)));
      if constexpr (kOffset) {
        const __m512i high = _mm512_srli_epi32(words, 16);
        _mm512_store_ps(offset + i, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(high)));
      }
    }
  }
  template <int kScales>
  static void SetBias(const float* scale, float* bias) {
    Unroll<2>([&](auto v) __attribute__((always_inline)) {
      __m512 sum = _mm512_load_ps(scale + decltype(v)::value * 16);
      if constexpr (kScales == 2)
        sum = _mm512_add_ps(sum, _mm512_load_ps(scale + kCols + decltype(v)::value * 16));
      _mm512_store_ps(bias + decltype(v)::value * 16, _mm512_mul_ps(sum, _mm512_set1_ps(-kMagic)));
    });
  }

  struct Sums {
    int32_t low, high;
  };
  static Sums Quantise(const float* x, int8_t* q, float* scale) {
    const __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    const __m512 both = _mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b));
    const __m256 eight =
        _mm256_max_ps(_mm512_castps512_ps256(both), _mm512_extractf32x8_ps(both, 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    const float largest = _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
    const bool tiny = largest < packed_panel::kTiny;
    *scale = tiny ? 0.0f : largest / 127.0f;
    const __m512 per_step = _mm512_set1_ps(tiny ? 0.0f : 127.0f / largest);
    return {Round(_mm512_mul_ps(a, per_step), q), Round(_mm512_mul_ps(b, per_step), q + 16)};
  }
  static int32_t Round(__m512 x, int8_t* q) {
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q), bytes);
    // The sum of the bytes + 128, eight at a time.
    const __m128i sums =
        _mm_sad_epu8(_mm_xor_si128(bytes, _mm_set1_epi8(-128)), _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums))) - 16 * 128;
  }

  template <class V, Format kFormat>
  static void Run(const packed_panel::RunArgs& args) {
    using U = Unpack<V, kFormat>;
    constexpr bool kOffset = HasOffset<U, kFormat>(), kZeros = Zero<U, kFormat>() != 0;
    const int64_t fours = args.tokens / 4 * 4;
    if (fours > 0) TokensOf<4, U::kScales, kOffset, kZeros>(args, 0, fours);
    if (fours < args.tokens) TokensOf<1, U::kScales, kOffset, kZeros>(args, fours, args.tokens);
  }

  // Not inlined: one copy for formats of the same kind, and the registers are its own.
  template <int kCount, int kScales, bool kOffset, bool kZeros>
  [[gnu::noinline]] static void TokensOf(const packed_panel::RunArgs& args, int64_t from,
                                         int64_t to) {
    __m512i w[8][2];
    Unroll<8>([&](auto g) __attribute__((always_inline)) {
      Unroll<2>([&](auto v) __attribute__((always_inline)) {
        constexpr int kGroup = decltype(g)::value, kVector = decltype(v)::value;
        w[kGroup][kVector] = _mm512_load_si512(args.packed + kGroup * kCols + kVector * 16);
        asm("" : "+v"(w[kGroup][kVector]));  // in a register, whatever is stored below
      });
    });
    __m512 scale[kScales][2], bias[2], offset[2];
    Unroll<2>([&](auto v) __attribute__((always_inline)) {
      constexpr int kVector = decltype(v)::value;
      Unroll<kScales>([&](auto half) __attribute__((always_inline)) {
        constexpr int kHalf = decltype(half)::value;
        scale[kHalf][kVector] = _mm512_load_ps(args.scale + kHalf * kCols + kVector * 16);
      });
      bias[kVector] = _mm512_load_ps(args.bias + kVector * 16);
      if constexpr (kOffset) offset[kVector] = _mm512_load_ps(args.offset + kVector * 16);
    });
    const int8_t* x = args.x + from * 32;
    const int32_t* start[2] = {args.start[0] + from, args.start[1] + from};
    const float* x_scale = args.x_scale + from;
    const float* x_sum = args.x_sum + from;
    float* sums = args.sums + from * kCols;
    for (int64_t left = to - from; left > 0; left -= kCount) {
      __m512 part[kCount][2];
      Unroll<kScales>([&](auto half) __attribute__((always_inline)) {
        constexpr int kHalf = decltype(half)::value;
        __m512i dot[kCount][2];
        Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value;
          dot[kToken][0] = _mm512_set1_epi32(kZeros ? start[kHalf][kToken] : kMagicBits);
          dot[kToken][1] = dot[kToken][0];
        });
        Unroll<8 / kScales>([&](auto step) __attribute__((always_inline)) {
          constexpr int kGroup = kHalf * 4 + decltype(step)::value;
          Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
            constexpr int kToken = decltype(i)::value;
            int32_t word;
            __builtin_memcpy(&word, x + kToken * 32 + kGroup * 4, 4);
            const __m512i words = _mm512_set1_epi32(word);
            dot[kToken][0] = _mm512_dpbusd_epi32(dot[kToken][0], w[kGroup][0], words);
            dot[kToken][1] = _mm512_dpbusd_epi32(dot[kToken][1], w[kGroup][1], words);
            asm volatile("" : "+v"(dot[kToken][0]), "+v"(dot[kToken][1]));
          });
        });
        Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
          Unroll<2>([&](auto v) __attribute__((always_inline)) {
            constexpr int kToken = decltype(i)::value, kVector = decltype(v)::value;
            part[kToken][kVector] =
                _mm512_fmadd_ps(_mm512_castsi512_ps(dot[kToken][kVector]), scale[kHalf][kVector],
                                kHalf == 0 ? bias[kVector] : part[kToken][kVector]);
          });
        });
      });
      Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
        // One load for both vectors.
        __m512 spread = _mm512_set1_ps(x_scale[decltype(i)::value]);
        asm("" : "+v"(spread));
        Unroll<2>([&](auto v) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value, kVector = decltype(v)::value;
          __m512 sum = part[kToken][kVector];
          if constexpr (kOffset) {
            sum = _mm512_fmadd_ps(offset[kVector], _mm512_set1_ps(x_sum[kToken]), sum);
          }
          float* at = sums + kToken * kCols + kVector * 16;
          _mm512_store_ps(
              at, _mm512_fmadd_ps(sum, _mm512_set1_ps(x_scale[kToken]), _mm512_load_ps(at)));
        });
      });
      x += kCount * 32;
      start[0] += kCount;
      start[1] += kCount;
      x_scale += kCount;
      x_sum += kCount;
      sums += kCount * kCols;
    }
  }
};

}  // namespace
}  // namespace wattline::kernels::avx512
