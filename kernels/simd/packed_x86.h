// 32 small integers in a 256-bit register and the eight f32 that their dot products become: what
// the unpacking of weights is written over. For files compiled with AVX2, FMA and F16C at least.
#pragma once

#if defined(__AVX2__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/features.h"

namespace wattline::kernels {

// `Isa` only makes the functions of each instruction set's file functions of their own: were they
// shared, the linker would keep one copy, perhaps one that another CPU cannot run.
template <class Isa>
struct PackedYmm {
  using Bytes = __m256i;
  using Sums = __m256;
  static constexpr int kSumLanes = 8;

  static Bytes Load(const void* at) { return _mm256_loadu_si256(static_cast<const __m256i*>(at)); }
  // Element j < 16 is the low half of byte j, element j + 16 the high one.
  static Bytes LoadNibbles(const void* at) {
    const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(at));
    return And<15>(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes));
  }
  // Element 2 j is the low half of byte j, element 2 j + 1 the high one.
  static Bytes LoadNibblePairs(const void* at) {
    const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(at)));
    return And<15>(_mm256_or_si256(wide, _mm256_slli_epi16(wide, 4)));
  }
  template <int kMask>
  static Bytes And(Bytes a) {
    return _mm256_and_si256(a, _mm256_set1_epi8(static_cast<char>(kMask)));
  }
  static Bytes Or(Bytes a, Bytes b) { return _mm256_or_si256(a, b); }
  // Shifts move bits across bytes: mask before or after.
  template <int kBits>
  static Bytes Right(Bytes a) {
    return _mm256_srli_epi16(a, kBits);
  }
  template <int kBits>
  static Bytes Left(Bytes a) {
    return _mm256_slli_epi16(a, kBits);
  }
  template <int kValue>
  static Bytes Subtract(Bytes a) {
    return _mm256_sub_epi8(a, _mm256_set1_epi8(static_cast<char>(kValue)));
  }

  // f16 numbers, `kStride` bytes apart.
  template <int kStride>
  static void HalvesToFloats(const std::byte* at, float* out) {
    const auto half = [at](int i) {
      uint16_t bits;
      __builtin_memcpy(&bits, at + i * kStride, 2);
      return static_cast<short>(bits);
    };
    const __m128i halves =
        _mm_setr_epi16(half(0), half(1), half(2), half(3), half(4), half(5), half(6), half(7));
    _mm256_storeu_ps(out, _mm256_cvtph_ps(halves));
  }
  // Four pairs of f16 numbers, `kStride` bytes apart: each twice.
  template <int kStride>
  static void HalfPairsToFloats(const std::byte* at, float* first, float* second) {
    const auto pair = [at](int i) {
      int bits;
      __builtin_memcpy(&bits, at + i * kStride, 4);
      return bits;
    };
    const __m256 pairs = _mm256_cvtph_ps(_mm_setr_epi32(pair(0), pair(1), pair(2), pair(3)));
    _mm256_storeu_ps(first, _mm256_moveldup_ps(pairs));
    _mm256_storeu_ps(second, _mm256_movehdup_ps(pairs));
  }
  static float HalfToFloat(const std::byte* at) {
    uint16_t bits;
    __builtin_memcpy(&bits, at, 2);
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
  }
  // out[i] = factor * byte i of `bytes`, unsigned; the same with signed bytes at `at`.
  static void Scale8(uint64_t bytes, float factor, float* out) {
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(bytes)));
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(wide), _mm256_set1_ps(factor)));
  }
  static void ScaleSigned8(const std::byte* at, float factor, float* out) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    const __m256 wide = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    _mm256_storeu_ps(out, _mm256_mul_ps(wide, _mm256_set1_ps(factor)));
  }
  static void Multiply8(const float* a, float b, float* out) {
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_set1_ps(b)));
  }
  static void Multiply8(const float* a, const float* b, float* out) {
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b)));
  }

  static Sums Zero() { return _mm256_setzero_ps(); }
  static Sums Add(Sums a, Sums b) { return _mm256_add_ps(a, b); }
  static Sums MultiplyAdd(Sums sum, Sums a, float b) {
    return _mm256_fmadd_ps(a, _mm256_set1_ps(b), sum);
  }
  // sum + a[i] b[i] over 8 elements, in any lane; the same for one element.
  static Sums MultiplyAdd8(Sums sum, const float* a, const float* b) {
    return _mm256_fmadd_ps(_mm256_loadu_ps(a), _mm256_loadu_ps(b), sum);
  }
  static Sums MultiplyAdd1(Sums sum, float a, float b) {
    return _mm256_fmadd_ps(_mm256_zextps128_ps256(_mm_set_ss(a)),
                           _mm256_zextps128_ps256(_mm_set_ss(b)), sum);
  }
  static float Total(Sums a) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  // Lanes 0-3 and 4-7, the sums of the first and the last 16 elements, take a factor each.
  static Sums MultiplyHalves(Sums a, float low, float high) {
    return _mm256_mul_ps(a, _mm256_set_m128(_mm_set1_ps(high), _mm_set1_ps(low)));
  }

  static float LargestMagnitude32(const float* x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 largest = _mm256_setzero_ps();
    for (int i = 0; i < 32; i += 8) {
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
    }
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  // q[i] = the integer nearest to x[i] * factor; returns their sum.
  static float Round32(const float* x, float factor, int8_t* q) {
    const __m256 f = _mm256_set1_ps(factor);
    const auto round = [f](const float* at) {
      return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(at), f));
    };
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(round(x), round(x + 8)),
                                              _mm256_packs_epi32(round(x + 16), round(x + 24)));
    // The packing works on 128-bit halves: groups of four elements lie in the order 0 2 4 6 1 3
    // 5 7.
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i bytes = _mm256_permutevar8x32_epi32(packed, order);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), bytes);
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
    return Total(_mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
  }

  // A vector of 32 / kTokens consecutive bytes, once for each token; the sums of its dot products
  // lie in 8 / kTokens lanes for each token, as numbers do that Spread has spread.
  template <int kTokens>
  static Bytes Repeat(const int8_t* at) {
    if constexpr (kTokens == 8) {
      int32_t bits;
      __builtin_memcpy(&bits, at, 4);
      return _mm256_set1_epi32(bits);
    } else {
      long long bits;
      __builtin_memcpy(&bits, at, 8);
      return _mm256_set1_epi64x(bits);
    }
  }
  template <int kTokens>
  static Sums Spread(const float* of_tokens) {
    if constexpr (kTokens == 8) {
      return _mm256_loadu_ps(of_tokens);
    } else {
      const __m256i order = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
      return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(of_tokens)), order);
    }
  }
  static Sums Multiply(Sums a, float b) { return _mm256_mul_ps(a, _mm256_set1_ps(b)); }
  static Sums MultiplyAdd(Sums sum, Sums a, Sums b) { return _mm256_fmadd_ps(a, b, sum); }
  static void StoreBytes(Bytes bytes, int8_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
  }
  static Bytes Magnitude(Bytes bytes) { return _mm256_abs_epi8(bytes); }
  static void StoreSums(Sums sums, float* to) { _mm256_storeu_ps(to, sums); }

  // Asks for the line 512 bytes on, where the next stores go. Output in the second-level cache then
  // takes 40 GB/s instead of 28 (the limit of stores alone is 48), in the first nothing changes
  // (dequantisation to f32; Emerald Rapids VM, 2026-11-21).
  static void PrepareStore(const void* at) {
    _mm_prefetch(static_cast<const char*>(at) + 512, _MM_HINT_T0);
  }
  // 64 bytes, both sides aligned, to memory past the caches; other threads see them after
  // StreamEnd.
  static void StreamLine(const void* from, void* to) {
    const auto* in = static_cast<const __m256i*>(from);
    auto* out = static_cast<__m256i*>(to);
    _mm256_stream_si256(out, _mm256_load_si256(in));
    _mm256_stream_si256(out + 1, _mm256_load_si256(in + 1));
  }
  static void StreamEnd() { _mm_sfence(); }

  // Leaves the numbers in memory, from where a load spreads one over all lanes. g++ 12 else
  // forwards the vector that was stored and permutes it: 15-55 % slower in the GEMV (measured, in
  // cache).
  template <class Number, int kCount>
  static void InMemory(Number (&numbers)[kCount]) {
    asm("" : "+m"(numbers));
  }

  // Asks for the lines 16 KiB and 2 KiB ahead of `at`, the first into the second-level cache, the
  // second into the first. Measured on Emerald Rapids at 3.0 GHz, 2026-11-21, one token, weights
  // cold, in percent of the best read loop (17 GB/s a core): q4_0 without 52, into the second level
  // 4 to 16 KiB ahead 80-81, into the first level 2 KiB ahead 76, both 89, and 90 where each line
  // is asked for once. q8_0: 60, 85-88, 80, 94, 95. Inlined at once: a function that only
  // prefetches has no effect in g++ 12's eyes, and its calls go.
  [[gnu::always_inline]] static void Prefetch(const std::byte* at) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    _mm_prefetch(reinterpret_cast<const char*>(address + (16 << 10)), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(address + (2 << 10)), _MM_HINT_T0);
  }
  // Dense rows, one at a time.
  static bool AsksAhead() {
    static const bool asks = OneStreamNeedsPrefetches();
    return asks;
  }
};

}  // namespace wattline::kernels

#endif  // __AVX2__
