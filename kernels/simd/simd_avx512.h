// f32 vectors of AVX-512 (F, BW, DQ, VL): the interface that simd.h describes.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace wattline::kernels::avx512 {

struct Simd {
  using F32 = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kRegisters = 32;

  [[gnu::always_inline]] static F32 Zero() { return _mm512_setzero_ps(); }
  [[gnu::always_inline]] static F32 Set1(float x) { return _mm512_set1_ps(x); }
  [[gnu::always_inline]] static F32 Load(const float* p) { return _mm512_loadu_ps(p); }
  [[gnu::always_inline]] static void Store(float* p, F32 x) { _mm512_storeu_ps(p, x); }
  [[gnu::always_inline]] static F32 LoadPartial(const float* p, int64_t n) {
    return _mm512_maskz_loadu_ps(Mask(n), p);
  }
  [[gnu::always_inline]] static void StorePartial(float* p, F32 x, int64_t n) {
    _mm512_mask_storeu_ps(p, Mask(n), x);
  }

  [[gnu::always_inline]] static F32 Add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
  [[gnu::always_inline]] static F32 Sub(F32 a, F32 b) { return _mm512_sub_ps(a, b); }
  [[gnu::always_inline]] static F32 Mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
  [[gnu::always_inline]] static F32 Div(F32 a, F32 b) { return _mm512_div_ps(a, b); }
  [[gnu::always_inline]] static F32 Fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
  [[gnu::always_inline]] static F32 NegFma(F32 a, F32 b, F32 c) {
    return _mm512_fnmadd_ps(a, b, c);
  }
  [[gnu::always_inline]] static F32 Max(F32 a, F32 b) { return _mm512_max_ps(a, b); }
  [[gnu::always_inline]] static F32 Min(F32 a, F32 b) { return _mm512_min_ps(a, b); }
  [[gnu::always_inline]] static F32 Abs(F32 x) { return _mm512_abs_ps(x); }
  [[gnu::always_inline]] static F32 Round(F32 x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static F32 SelectLess(F32 a, F32 b, F32 yes, F32 no) {
    return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), yes);
  }
  [[gnu::always_inline]] static F32 Scale2(F32 x, F32 n) { return _mm512_scalef_ps(x, n); }

  [[gnu::always_inline]] static float ReduceSum(F32 x) { return _mm512_reduce_add_ps(x); }
  [[gnu::always_inline]] static float ReduceMax(F32 x) { return _mm512_reduce_max_ps(x); }
  [[gnu::always_inline]] static __m128 SumQuad(F32 a, F32 b, F32 c, F32 d) {
    const __m512 x = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 y = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512 z = _mm512_add_ps(_mm512_shuffle_ps(x, y, 0x44), _mm512_shuffle_ps(x, y, 0xee));
    const __m256 w = _mm256_add_ps(_mm512_castps512_ps256(z), _mm512_extractf32x8_ps(z, 1));
    return _mm_add_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
  }
  [[gnu::always_inline]] static __m128 MaxQuad(F32 a, F32 b, F32 c, F32 d) {
    const __m512 x = _mm512_max_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 y = _mm512_max_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512 z = _mm512_max_ps(_mm512_shuffle_ps(x, y, 0x44), _mm512_shuffle_ps(x, y, 0xee));
    const __m256 w = _mm256_max_ps(_mm512_castps512_ps256(z), _mm512_extractf32x8_ps(z, 1));
    return _mm_max_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
  }
  [[gnu::always_inline]] static void StoreQuad(__m128 q, float* ab, float* cd) {
    _mm_storel_pi(reinterpret_cast<__m64*>(ab), q);
    _mm_storeh_pi(reinterpret_cast<__m64*>(cd), q);
  }
  [[gnu::always_inline]] static F32 FromQuads(__m128 q, __m128 r) {
    return _mm512_zextps256_ps512(_mm256_set_m128(r, q));
  }

  [[gnu::always_inline]] static F32 LoadF16(const uint16_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  [[gnu::always_inline]] static void StoreF16(uint16_t* p, F32 x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), F16(x));
  }
  [[gnu::always_inline]] static F32 LoadF16Partial(const uint16_t* p, int64_t n) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(Mask(n), p));
  }
  [[gnu::always_inline]] static void StoreF16Partial(uint16_t* p, F32 x, int64_t n) {
    _mm256_mask_storeu_epi16(p, Mask(n), F16(x));
  }
  [[gnu::always_inline]] static F32 LoadBf16(const uint16_t* p) {
    return FromBf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  [[gnu::always_inline]] static void StoreBf16(uint16_t* p, F32 x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), Bf16(x));
  }
  [[gnu::always_inline]] static F32 LoadBf16Partial(const uint16_t* p, int64_t n) {
    return FromBf16(_mm256_maskz_loadu_epi16(Mask(n), p));
  }
  [[gnu::always_inline]] static void StoreBf16Partial(uint16_t* p, F32 x, int64_t n) {
    _mm256_mask_storeu_epi16(p, Mask(n), Bf16(x));
  }

  [[gnu::always_inline]] static void LoadPairs(const float* p, F32& first, F32& second) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const __m512 lo = Load(p);
    const __m512 hi = Load(p + 16);
    first = _mm512_permutex2var_ps(lo, even, hi);
    second = _mm512_permutex2var_ps(lo, odd, hi);
  }
  [[gnu::always_inline]] static void StorePairs(float* p, F32 first, F32 second) {
    const __m512i lo = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i hi = _mm512_add_epi32(lo, _mm512_set1_epi32(8));
    Store(p, _mm512_permutex2var_ps(first, lo, second));
    Store(p + 16, _mm512_permutex2var_ps(first, hi, second));
  }

  [[gnu::always_inline]] static void Transpose(F32 (&r)[kLanes]) {
    __m512 t[16];
    for (int i = 0; i < 16; i += 2) {
      t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
      t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
      r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
      r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
      r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    // r[4 g + c] holds, in 128-bit lane l, rows 4 g .. 4 g + 3 of column 4 l + c.
    for (int c = 0; c < 4; ++c) {
      const __m512 a = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x44);
      const __m512 b = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xee);
      const __m512 d = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x44);
      const __m512 e = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xee);
      t[c] = _mm512_shuffle_f32x4(a, d, 0x88);
      t[4 + c] = _mm512_shuffle_f32x4(a, d, 0xdd);
      t[8 + c] = _mm512_shuffle_f32x4(b, e, 0x88);
      t[12 + c] = _mm512_shuffle_f32x4(b, e, 0xdd);
    }
    for (int i = 0; i < 16; ++i) r[i] = t[i];
  }

 private:
  [[gnu::always_inline]] static __mmask16 Mask(int64_t n) {
    return static_cast<__mmask16>((1u << n) - 1u);
  }
  [[gnu::always_inline]] static __m256i F16(F32 x) {
    return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  [[gnu::always_inline]] static F32 FromBf16(__m256i halves) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  // Not vcvtneps2bf16, which turns subnormals into 0.
  [[gnu::always_inline]] static __m256i Bf16(F32 x) {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const __m512i all = _mm512_mask_or_epi32(up, is_nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(all, 16));
  }
};

}  // namespace wattline::kernels::avx512
