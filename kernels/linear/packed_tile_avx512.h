// Packed weights meeting many tokens on AVX-512: vpdpbusd, 48 rows of W by 4 tokens, 12 integer
// sums and 12 in f32 in registers over 16 runs of 32 columns, whose weights are read from L1.
//
// Per run, token and vector of sums that is 8 vpdpbusd and 2 multiply-adds (3 with an offset or two
// scales) on two ports: at most 80 % (73 %) of the peak. In L1 74 to 78 %; with all of W (2048 x
// 4096) 58 to 62 % at 128 tokens, 53 to 66 % at 512 (q8_0, one thread, medians of three runs,
// Emerald Rapids that others used too, 2026-11-22). What lost: the 16 vectors of a run's weights in
// registers, 4 tokens, sums in memory (71 to 76 % in L1; 44 to 56 and 46 to 64 % with all of W);
// 6 tokens by 32 rows and 3 by 64 in L1 no better.
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
#include "kernels/linear/packed_block.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels::avx512 {
namespace {

struct PackedTile {
  using Turn = TileInt8;
  static constexpr int kLanes = 16;
  static constexpr int kVectors = 3;
  static constexpr int kTokens = 4;
  static constexpr int64_t kBlockRuns = 16;
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

  // out[w] = word w of 16 rows of 8, for w = 0 .. 7.
  static void TurnRun(const uint8_t* rows, int64_t stride_byte, uint32_t* out, int64_t out_stride) {
    // x[c], x[4 + c]: lane l holds words 0-3, 4-7 of row 4 l + c.
    __m512i x[8], y[8];
    Unroll<4>([&](auto c) __attribute__((always_inline)) {
      constexpr int kRow = decltype(c)::value;
      const auto two = [&](int row) __attribute__((always_inline)) {
        const auto at = [&](int r) __attribute__((always_inline)) {
          return _mm256_load_si256(reinterpret_cast<const __m256i*>(rows + r * stride_byte));
        };
        return _mm512_inserti64x4(_mm512_castsi256_si512(at(row)), at(row + 4), 1);
      };
      const __m512i low = two(kRow), high = two(kRow + 8);
      x[kRow] = _mm512_shuffle_i32x4(low, high, 0x88);
      x[4 + kRow] = _mm512_shuffle_i32x4(low, high, 0xdd);
    });
    Unroll<2>([&](auto h) __attribute__((always_inline)) {
      constexpr int kFrom = decltype(h)::value * 4;
      y[kFrom] = _mm512_unpacklo_epi32(x[kFrom], x[kFrom + 1]);
      y[kFrom + 1] = _mm512_unpackhi_epi32(x[kFrom], x[kFrom + 1]);
      y[kFrom + 2] = _mm512_unpacklo_epi32(x[kFrom + 2], x[kFrom + 3]);
      y[kFrom + 3] = _mm512_unpackhi_epi32(x[kFrom + 2], x[kFrom + 3]);
      const auto store = [&](int word, __m512i value) __attribute__((always_inline)) {
        _mm512_store_si512(out + word * out_stride, value);
      };
      store(kFrom, _mm512_unpacklo_epi64(y[kFrom], y[kFrom + 2]));
      store(kFrom + 1, _mm512_unpackhi_epi64(y[kFrom], y[kFrom + 2]));
      store(kFrom + 2, _mm512_unpacklo_epi64(y[kFrom + 1], y[kFrom + 3]));
      store(kFrom + 3, _mm512_unpackhi_epi64(y[kFrom + 1], y[kFrom + 3]));
    });
  }
  // The lines of a record behind its bytes. kHalves: the words hold f16 scale and f16 offset.
  template <int kScales, bool kOffset, bool kHalves>
  static void Factors(const float* scale, const float* offset, float* out, int64_t width) {
    __m512 sum = _mm512_load_ps(scale);
    if constexpr (kHalves) {
      const __m512i words = _mm512_castps_si512(sum);
      sum = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words));
      if constexpr (kOffset) {
        const __m512i high = _mm512_srli_epi32(words, 16);
        _mm512_store_ps(out + 2 * width, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(high)));
      }
    } else if constexpr (kOffset) {
      _mm512_store_ps(out + 2 * width, _mm512_load_ps(offset));
    }
    _mm512_store_ps(out, sum);
    if constexpr (kScales == 2) {
      const __m512 second = _mm512_load_ps(scale + kLanes);
      _mm512_store_ps(out + width, second);
      sum = _mm512_add_ps(sum, second);
    }
    _mm512_store_ps(out + kScales * width, _mm512_mul_ps(sum, _mm512_set1_ps(-kMagic)));
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

  template <class V, Format kFormat, int kVectorCount>
  static void Tile(const packed_block::TileArgs& args, int64_t tokens) {
    using U = Unpack<V, kFormat>;
    constexpr bool kOffset = HasOffset<U, kFormat>();
    static_assert(kOffset == (Zero<U, kFormat>() == 0));
    switch (tokens) {
      case 4:
        return TileOf<4, kVectorCount, U::kScales, kOffset>(args);
      case 3:
        return TileOf<3, kVectorCount, U::kScales, kOffset>(args);
      case 2:
        return TileOf<2, kVectorCount, U::kScales, kOffset>(args);
      default:
        return TileOf<1, kVectorCount, U::kScales, kOffset>(args);
    }
  }

  // Not inlined: one copy for formats of the same kind, and the registers are its own. Where there
  // are two scales, three sets of sums are more than the registers: those in f32 lie in L1.
  template <int kCount, int kWide, int kScales, bool kOffset>
  [[gnu::noinline]] static void TileOf(const packed_block::TileArgs& args) {
    using R = packed_block::Record<kScales, kOffset>;
    constexpr int kWidth = kWide * kLanes;
    constexpr bool kInRegisters = kScales == 1;
    const auto each = [](auto&& body) __attribute__((always_inline)) {
      Unroll<kCount>([&](auto t) __attribute__((always_inline)) {
        Unroll<kWide>([&](auto v) __attribute__((always_inline)) { body(t, v); });
      });
    };
    __m512 sum[kCount][kWide];
    alignas(64) float kept[kCount * kWidth];
    each([&](auto t, auto v) __attribute__((always_inline)) {
      constexpr int kToken = decltype(t)::value, kVector = decltype(v)::value;
      // On from the blocks before, so that a sum is one chain over all runs.
      sum[kToken][kVector] = args.from == nullptr
                                 ? _mm512_setzero_ps()
                                 : _mm512_loadu_ps(args.from + kToken * kWidth + kVector * 16);
      if (!kInRegisters) {
        _mm512_store_ps(kept + kToken * kWidth + kVector * 16, sum[kToken][kVector]);
      }
      __builtin_prefetch(args.to + kToken * args.to_stride + kVector * 16, 1);
    });
    const uint32_t* block = args.block;
    const uint32_t* const end = block + args.runs * R::kLines * kWidth;
    const int8_t* x = args.x;
    const float* x_scale = args.x_scale;
    const float* x_sum = args.x_sum;
    const int32_t* start[2] = {args.start[0], args.start[1]};
    const std::byte* ahead = args.ahead;
    for (; block < end; block += R::kLines * kWidth) {
      __builtin_prefetch(ahead, 0, 2);
      __builtin_prefetch(ahead + args.ahead_stride_byte, 0, 2);
      ahead += args.ahead_run_byte;
      const auto line = [&](int number, int vector) __attribute__((always_inline)) {
        return _mm512_load_si512(block + number * kWidth + vector * 16);
      };
      const auto factor = [&](int number, int vector) __attribute__((always_inline)) {
        return _mm512_castsi512_ps(line(number, vector));
      };
      __m512 part[kCount][kWide];
      Unroll<kScales>([&](auto half) __attribute__((always_inline)) {
        constexpr int kHalf = decltype(half)::value;
        __m512i dot[kCount][kWide];
        each([&](auto t, auto v) __attribute__((always_inline)) {
          constexpr int kToken = decltype(t)::value, kVector = decltype(v)::value;
          dot[kToken][kVector] = _mm512_set1_epi32(kOffset ? kMagicBits : start[kHalf][kToken]);
          asm volatile("" : "+v"(dot[kToken][kVector]));
        });
        Unroll<8 / kScales>([&](auto step) __attribute__((always_inline)) {
          constexpr int kGroup = kHalf * 4 + decltype(step)::value;
          __m512i w[kWide];
          Unroll<kWide>([&](auto v) __attribute__((always_inline)) {
            w[decltype(v)::value] = line(kGroup, decltype(v)::value);
            asm("" : "+v"(w[decltype(v)::value]));
          });
          Unroll<kCount>([&](auto t) __attribute__((always_inline)) {
            constexpr int kToken = decltype(t)::value;
            int32_t word;
            __builtin_memcpy(&word, x + kToken * 32 + kGroup * 4, 4);
            __m512i words = _mm512_set1_epi32(word);
            asm("" : "+v"(words));
            Unroll<kWide>([&](auto v) __attribute__((always_inline)) {
              constexpr int kVector = decltype(v)::value;
              dot[kToken][kVector] = _mm512_dpbusd_epi32(dot[kToken][kVector], w[kVector], words);
              asm volatile("" : "+v"(dot[kToken][kVector]));
            });
          });
        });
        each([&](auto t, auto v) __attribute__((always_inline)) {
          constexpr int kToken = decltype(t)::value, kVector = decltype(v)::value;
          part[kToken][kVector] = _mm512_fmadd_ps(
              _mm512_castsi512_ps(dot[kToken][kVector]), factor(R::kScale + kHalf, kVector),
              kHalf == 0 ? factor(R::kBias, kVector) : part[kToken][kVector]);
        });
      });
      Unroll<kCount>([&](auto t) __attribute__((always_inline)) {
        constexpr int kToken = decltype(t)::value;
        __m512 spread = _mm512_set1_ps(x_scale[kToken]);
        asm("" : "+v"(spread));
        Unroll<kWide>([&](auto v) __attribute__((always_inline)) {
          constexpr int kVector = decltype(v)::value;
          __m512 value = part[kToken][kVector];
          if constexpr (kOffset) {
            value = _mm512_fmadd_ps(factor(R::kOffsetLine, kVector), _mm512_set1_ps(x_sum[kToken]),
                                    value);
          }
          if constexpr (kInRegisters) {
            sum[kToken][kVector] = _mm512_fmadd_ps(value, spread, sum[kToken][kVector]);
          } else {
            float* at = kept + kToken * kWidth + kVector * 16;
            _mm512_store_ps(at, _mm512_fmadd_ps(value, spread, _mm512_load_ps(at)));
          }
        });
      });
      x += kCount * 32;
      x_scale += kCount;
      x_sum += kCount;
      start[0] += kCount;
      start[1] += kCount;
    }
    each([&](auto t, auto v) __attribute__((always_inline)) {
      constexpr int kToken = decltype(t)::value, kVector = decltype(v)::value;
      const __m512 value = kInRegisters ? sum[kToken][kVector]
                                        : _mm512_load_ps(kept + kToken * kWidth + kVector * 16);
      const auto rows = kVector == kWide - 1 ? static_cast<__mmask16>((1u << args.last_rows) - 1)
                                             : static_cast<__mmask16>(0xffff);
      _mm512_mask_storeu_ps(args.to + kToken * args.to_stride + kVector * 16, rows, value);
    });
  }
};

}  // namespace
}  // namespace wattline::kernels::avx512
