// f32 vectors of AVX2 + FMA + F16C: the interface that simd.h describes.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace wattline::kernels::avx2 {

struct Simd {
  using F32 = __m256;
  static constexpr int kLanes = 8;
  static constexpr int kRegisters = 16;

  [[gnu::always_inline]] static F32 Zero() { return _mm256_setzero_ps(); }
  [[gnu::always_inline]] static F32 Set1(float x) { return _mm256_set1_ps(x); }
  [[gnu::always_inline]] static F32 Load(const float* p) { return _mm256_loadu_ps(p); }
  [[gnu::always_inline]] static void Store(float* p, F32 x) { _mm256_storeu_ps(p, x); }
  [[gnu::always_inline]] static F32 LoadPartial(const float* p, int64_t n) {
    return _mm256_maskload_ps(p, Mask(n));
  }
  [[gnu::always_inline]] static void StorePartial(float* p, F32 x, int64_t n) {
    _mm256_maskstore_ps(p, Mask(n), x);
  }

  [[gnu::always_inline]] static F32 Add(F32 a, F32 b) { return _mm256_add_ps(a, b); }
  [[gnu::always_inline]] static F32 Sub(F32 a, F32 b) { return _mm256_sub_ps(a, b); }
  [[gnu::always_inline]] static F32 Mul(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
  [[gnu::always_inline]] static F32 Div(F32 a, F32 b) { return _mm256_div_ps(a, b); }
  [[gnu::always_inline]] static F32 Fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static F32 NegFma(F32 a, F32 b, F32 c) {
    return _mm256_fnmadd_ps(a, b, c);
  }
  [[gnu::always_inline]] static F32 Max(F32 a, F32 b) { return _mm256_max_ps(a, b); }
  [[gnu::always_inline]] static F32 Min(F32 a, F32 b) { return _mm256_min_ps(a, b); }
  [[gnu::always_inline]] static F32 Abs(F32 x) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
  }
  [[gnu::always_inline]] static F32 Round(F32 x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static F32 SelectLess(F32 a, F32 b, F32 yes, F32 no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  [[gnu::always_inline]] static F32 Scale2(F32 x, F32 n) {
    const __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23)));
  }

  [[gnu::always_inline]] static float ReduceSum(F32 x) {
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
  }
  [[gnu::always_inline]] static float ReduceMax(F32 x) {
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
  }
  [[gnu::always_inline]] static __m128 SumQuad(F32 a, F32 b, F32 c, F32 d) {
    const __m256 x = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    const __m256 y = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    const __m256 z = _mm256_add_ps(_mm256_shuffle_ps(x, y, 0x44), _mm256_shuffle_ps(x, y, 0xee));
    return _mm_add_ps(_mm256_castps256_ps128(z), _mm256_extractf128_ps(z, 1));
  }
  [[gnu::always_inline]] static __m128 MaxQuad(F32 a, F32 b, F32 c, F32 d) {
    const __m256 x = _mm256_max_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    const __m256 y = _mm256_max_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    const __m256 z = _mm256_max_ps(_mm256_shuffle_ps(x, y, 0x44), _mm256_shuffle_ps(x, y, 0xee));
    return _mm_max_ps(_mm256_castps256_ps128(z), _mm256_extractf128_ps(z, 1));
  }
  [[gnu::always_inline]] static void StoreQuad(__m128 q, float* ab, float* cd) {
    _mm_storel_pi(reinterpret_cast<__m64*>(ab), q);
    _mm_storeh_pi(reinterpret_cast<__m64*>(cd), q);
  }
  [[gnu::always_inline]] static F32 FromQuads(__m128 q, __m128 r) { return _mm256_set_m128(r, q); }

  [[gnu::always_inline]] static F32 LoadF16(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  [[gnu::always_inline]] static void StoreF16(uint16_t* p, F32 x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), F16(x));
  }
  [[gnu::always_inline]] static F32 LoadF16Partial(const uint16_t* p, int64_t n) {
    return _mm256_cvtph_ps(LoadHalves(p, n));
  }
  [[gnu::always_inline]] static void StoreF16Partial(uint16_t* p, F32 x, int64_t n) {
    StoreHalves(p, F16(x), n);
  }
  [[gnu::always_inline]] static F32 LoadBf16(const uint16_t* p) {
    return FromBf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  [[gnu::always_inline]] static void StoreBf16(uint16_t* p, F32 x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), Bf16(x));
  }
  [[gnu::always_inline]] static F32 LoadBf16Partial(const uint16_t* p, int64_t n) {
    return FromBf16(LoadHalves(p, n));
  }
  [[gnu::always_inline]] static void StoreBf16Partial(uint16_t* p, F32 x, int64_t n) {
    StoreHalves(p, Bf16(x), n);
  }

  [[gnu::always_inline]] static void LoadPairs(const float* p, F32& first, F32& second) {
    const __m256 lo = _mm256_permute2f128_ps(Load(p), Load(p + 8), 0x20);
    const __m256 hi = _mm256_permute2f128_ps(Load(p), Load(p + 8), 0x31);
    first = _mm256_shuffle_ps(lo, hi, 0x88);
    second = _mm256_shuffle_ps(lo, hi, 0xdd);
  }
  [[gnu::always_inline]] static void StorePairs(float* p, F32 first, F32 second) {
    const __m256 lo = _mm256_unpacklo_ps(first, second);
    const __m256 hi = _mm256_unpackhi_ps(first, second);
    Store(p, _mm256_permute2f128_ps(lo, hi, 0x20));
    Store(p + 8, _mm256_permute2f128_ps(lo, hi, 0x31));
  }

  [[gnu::always_inline]] static void Transpose(F32 (&r)[kLanes]) {
    __m256 t[8];
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
      t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    for (int i = 0; i < 8; ++i) r[i] = t[i];
  }

 private:
  [[gnu::always_inline]] static __m256i Mask(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }
  [[gnu::always_inline]] static __m128i LoadHalves(const uint16_t* p, int64_t n) {
    alignas(16) uint16_t halves[8] = {};
    for (int64_t i = 0; i < n; ++i) halves[i] = p[i];
    return _mm_load_si128(reinterpret_cast<const __m128i*>(halves));
  }
  [[gnu::always_inline]] static void StoreHalves(uint16_t* p, __m128i x, int64_t n) {
    alignas(16) uint16_t halves[8];
    _mm_store_si128(reinterpret_cast<__m128i*>(halves), x);
    for (int64_t i = 0; i < n; ++i) p[i] = halves[i];
  }
  [[gnu::always_inline]] static __m128i F16(F32 x) {
    return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static F32 FromBf16(__m128i halves) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
  [[gnu::always_inline]] static __m128i Bf16(F32 x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i nan = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const __m256i top = _mm256_srli_epi32(_mm256_blendv_epi8(up, nan, is_nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
  }
};

}  // namespace wattline::kernels::avx2
