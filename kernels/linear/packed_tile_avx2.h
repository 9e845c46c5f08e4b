// Packed weights meeting many tokens on 256-bit vectors: 8 rows of W at a time, whose 8 vectors of
// a run stay in registers while the tokens pass. Dots is how bytes are multiplied: MaddDots below.
//
// As on AVX-512 (packed_tile_avx512.h) integer sums become floats by their start, without a
// conversion.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/tile_avx2.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/simd/packed_avx2.h"

namespace wattline::kernels::avx2 {
namespace {

// vpmaddubsw adds pairs of products in 16 bits, and so do 16-bit additions of as many of them as
// cannot overflow: 8 for weights of 4 bits, all of a run, whose dot product costs 17 instructions
// where the ceiling's loop has 24. q8_0 takes one pair at a time, |w| times x with w's sign.
struct MaddDots {
  static constexpr int kUnroll = 2;
  // Weights below 64 are stored as they multiply, larger ones with their sign.
  template <class U>
  static constexpr bool kSigned = U::kSigned&& U::kLargest > 32;
  template <class U>
  static constexpr int kShift = U::kSigned && !kSigned<U> ? U::kLargest : 0;
  template <class U>
  static constexpr int kFit = 32767 / (2 * 127 * (U::kLargest + (kShift<U> > 0 ? 31 : 0)));

  struct Sum {
    __m256i words, total;
  };
  static __m256i Weights(__m256i w, bool is_signed) { return is_signed ? _mm256_abs_epi8(w) : w; }
  // Group kGroup of kFrom .. kTo - 1. `stored` is what Weights was made from.
  template <class U, int kGroup, int kFrom, int kTo>
  [[gnu::always_inline]] static void Add(Sum& sum, __m256i w, const uint32_t* stored, __m256i x) {
    constexpr int kStep = kGroup - kFrom, kChain = kFit<U>;
    if constexpr (kSigned<U>) {
      x = _mm256_sign_epi8(x, _mm256_load_si256(reinterpret_cast<const __m256i*>(stored)));
    }
    const __m256i pairs = _mm256_maddubs_epi16(w, x);
    sum.words = kStep % kChain == 0 ? pairs : _mm256_add_epi16(sum.words, pairs);
    if constexpr (kStep % kChain == kChain - 1 || kGroup == kTo - 1) {
      const __m256i four = _mm256_madd_epi16(sum.words, _mm256_set1_epi16(1));
      sum.total = kStep < kChain ? four : _mm256_add_epi32(sum.total, four);
    }
  }
  [[gnu::always_inline]] static void Begin(Sum&, __m256i) {}
  [[gnu::always_inline]] static __m256i Total(const Sum& sum, __m256i start) {
    return _mm256_add_epi32(sum.total, start);
  }
};

template <class Dots>
struct PackedTileOf {
  using Turn = TileInt8;
  static constexpr int kCols = 16;
  static constexpr int kTokens = 64;
  static constexpr int64_t kBlockRuns = packed_panel::kAllRuns;
  static constexpr bool kBias = true;
  static constexpr float kMagic = 0x1.8p23f;
  static constexpr int32_t kMagicBits = 0x4b400000;
  static int32_t Start(int32_t zero_sum) { return kMagicBits - zero_sum; }

  template <class U, Format>
  static constexpr int Shift() {
    return Dots::template kShift<U>;
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
    for (int i = 0; i < kCols; i += 8) {
      const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(scale + i));
      _mm256_store_ps(scale + i, LowHalves(_mm256_and_si256(words, _mm256_set1_epi32(0xffff))));
      if constexpr (kOffset) {
        _mm256_store_ps(offset + i, LowHalves(_mm256_srli_epi32(words, 16)));
      }
    }
  }
  static __m256 LowHalves(__m256i words) {
    return _mm256_cvtph_ps(
        _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  template <int kScales>
  static void SetBias(const float* scale, float* bias) {
    for (int i = 0; i < kCols; i += 8) {
      __m256 sum = _mm256_load_ps(scale + i);
      if constexpr (kScales == 2) sum = _mm256_add_ps(sum, _mm256_load_ps(scale + kCols + i));
      _mm256_store_ps(bias + i, _mm256_mul_ps(sum, _mm256_set1_ps(-kMagic)));
    }
  }

  struct Sums {
    int32_t low, high;
  };
  static Sums Quantise(const float* x, int8_t* q, float* scale) {
    const float largest = Avx2::LargestMagnitude32(x);
    const bool tiny = largest < packed_panel::kTiny;
    *scale = tiny ? 0.0f : largest / 127.0f;
    Avx2::Round32(x, tiny ? 0.0f : 127.0f / largest, q);
    // The sums of the bytes + 128, eight at a time.
    const __m256i bytes = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(q)),
                                           _mm256_set1_epi8(-128));
    __m256i sums = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
    sums = _mm256_add_epi32(sums, _mm256_unpackhi_epi64(sums, sums));
    return {_mm_cvtsi128_si32(_mm256_castsi256_si128(sums)) - 16 * 128,
            _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1)) - 16 * 128};
  }

  template <class V, Format kFormat>
  static void Run(const packed_panel::RunArgs& args) {
    constexpr int kUnroll = Dots::kUnroll;
    const int64_t whole = args.tokens / kUnroll * kUnroll;
    for (int column = 0; column < kCols; column += 8) {
      if (whole > 0) TokensOf<V, kFormat, kUnroll>(args, column, 0, whole);
      if (whole < args.tokens) TokensOf<V, kFormat, 1>(args, column, whole, args.tokens);
    }
  }

  // Not inlined: the registers are its own.
  template <class V, Format kFormat, int kCount>
  [[gnu::noinline]] static void TokensOf(const packed_panel::RunArgs& args, int column,
                                         int64_t from, int64_t to) {
    using U = Unpack<V, kFormat>;
    constexpr int kScales = U::kScales;
    constexpr bool kOffset = HasOffset<U, kFormat>(), kZeros = Zero<U, kFormat>() != 0;
    const uint32_t* stored = args.packed + column;
    __m256i w[8];
    Unroll<8>([&](auto g) __attribute__((always_inline)) {
      constexpr int kGroup = decltype(g)::value;
      w[kGroup] = Dots::Weights(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(stored + kGroup * kCols)),
          Dots::template kSigned<U>);
      asm("" : "+x"(w[kGroup]));  // in a register, whatever is stored below
    });
    const float* scale = args.scale + column;
    const float* bias = args.bias + column;
    const float* offset = args.offset + column;
    const int8_t* x = args.x + from * 32;
    const int32_t* start[2] = {args.start[0] + from, args.start[1] + from};
    const float* x_scale = args.x_scale + from;
    const float* x_sum = args.x_sum + from;
    float* sums = args.sums + from * kCols + column;
    for (int64_t left = to - from; left > 0; left -= kCount) {
      __m256 part[kCount];
      Unroll<kScales>([&](auto half) __attribute__((always_inline)) {
        constexpr int kHalf = decltype(half)::value;
        constexpr int kFrom = kHalf * 4, kTo = kFrom + 8 / kScales;
        typename Dots::Sum dot[kCount];
        __m256i begin[kCount];
        Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value;
          begin[kToken] = _mm256_set1_epi32(kZeros ? start[kHalf][kToken] : kMagicBits);
          Dots::Begin(dot[kToken], begin[kToken]);
        });
        Unroll<kTo - kFrom>([&](auto step) __attribute__((always_inline)) {
          constexpr int kGroup = kFrom + decltype(step)::value;
          Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
            constexpr int kToken = decltype(i)::value;
            int32_t word;
            __builtin_memcpy(&word, x + kToken * 32 + kGroup * 4, 4);
            Dots::template Add<U, kGroup, kFrom, kTo>(
                dot[kToken], w[kGroup], stored + kGroup * kCols, _mm256_set1_epi32(word));
          });
        });
        Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
          constexpr int kToken = decltype(i)::value;
          const __m256 before = kHalf == 0 ? _mm256_load_ps(bias) : part[kToken];
          part[kToken] =
              _mm256_fmadd_ps(_mm256_castsi256_ps(Dots::Total(dot[kToken], begin[kToken])),
                              _mm256_load_ps(scale + kHalf * kCols), before);
        });
      });
      Unroll<kCount>([&](auto i) __attribute__((always_inline)) {
        constexpr int kToken = decltype(i)::value;
        __m256 sum = part[kToken];
        if constexpr (kOffset) {
          sum = _mm256_fmadd_ps(_mm256_load_ps(offset), _mm256_set1_ps(x_sum[kToken]), sum);
        }
        float* at = sums + kToken * kCols;
        _mm256_store_ps(at,
                        _mm256_fmadd_ps(sum, _mm256_set1_ps(x_scale[kToken]), _mm256_load_ps(at)));
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

using PackedTile = PackedTileOf<MaddDots>;

}  // namespace
}  // namespace wattline::kernels::avx2
