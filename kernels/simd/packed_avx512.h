// Packed weights on AVX-512, 16 f32 at a time. Their dot products are in octet_avx512.h.
#pragma once

#if defined(__AVX512VNNI__) && defined(__AVX512BF16__)

#include "kernels/format.h"
#include "kernels/simd/packed_x86.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {

struct Avx512 : PackedYmm<Avx512> {
  static constexpr int kLanes = 16;
  using Floats = __m512;
  // Dense rows that meet so many tokens together.
  template <int kTokens>
  static constexpr int kDenseRows = kTokens == 8 ? 3 : kTokens;

  // out[i] = q[i] * scale + offset, low and high 16 elements with their own.
  static constexpr float kStoreScale = 1.0f;
  template <class Out>
  static void Store(Bytes q, float scale0, float offset0, float scale1, float offset1, Out* out) {
    const __m512 low = Sixteen(_mm256_castsi256_si128(q));
    const __m512 high = Sixteen(_mm256_extracti128_si256(q, 1));
    Store32(_mm512_fmadd_ps(low, _mm512_set1_ps(scale0), _mm512_set1_ps(offset0)),
            _mm512_fmadd_ps(high, _mm512_set1_ps(scale1), _mm512_set1_ps(offset1)), out);
  }
  static __m512 Sixteen(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)); }
  static void Store32(Floats low, Floats high, float* out) {
    _mm512_storeu_ps(out, low);
    _mm512_storeu_ps(out + 16, high);
  }
  static void Store32(Floats low, Floats high, uint16_t* out) {
    _mm512_storeu_si512(out, (__m512i)_mm512_cvtne2ps_pbh(high, low));
  }
  static void StoreLanes(Floats value, float* out) { _mm512_storeu_ps(out, value); }
  static void StoreLanes(Floats value, uint16_t* out) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), (__m256i)_mm512_cvtneps_pbh(value));
  }

  // kLanes elements of a dense format.
  template <Format kFormat>
  static Floats LoadLanes(const std::byte* at) {
    if constexpr (kFormat == Format::kF32) {
      return _mm512_loadu_ps(at);
    } else {
      const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
      if constexpr (kFormat == Format::kF16) return _mm512_cvtph_ps(bits);
      return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }
  }
  static Floats ZeroFloats() { return _mm512_setzero_ps(); }
  static Floats AddFloats(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats MultiplyAddFloats(Floats sum, Floats a, const float* b) {
    return _mm512_fmadd_ps(a, _mm512_loadu_ps(b), sum);
  }
  static float TotalFloats(Floats a) { return _mm512_reduce_add_ps(a); }
};

}  // namespace wattline::kernels

#endif  // __AVX512VNNI__ && __AVX512BF16__
