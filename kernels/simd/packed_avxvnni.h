// Packed weights on AVX-VNNI: AVX2's with vpdpbusd, which sums four products in 32 bits.
#pragma once

#if defined(__AVXVNNI__)

#include "kernels/simd/packed_avx2.h"

namespace wattline::kernels {

struct AvxVnni : PackedAvx2<AvxVnni> {
  // q in 0 .. 127.
  static Sums Dot(Bytes q, const int8_t* x) { return Products(q, Load(x)); }
  // q in -128 .. 127: |q| takes x with q's sign.
  static Sums DotSigned(Bytes q, const int8_t* x) {
    return Products(_mm256_abs_epi8(q), _mm256_sign_epi8(Load(x), q));
  }
  template <int kTokens, int kFrom, int kTo, bool kSigned, int>
  static Sums DotTokens(const int8_t* q, const int8_t* magnitude, const int8_t* x) {
    __m256i sums = _mm256_setzero_si256();
    Unroll<kTo - kFrom>([&](auto step) __attribute__((always_inline)) {
      constexpr int kGranule = kFrom + decltype(step)::value, kAt = kGranule * (32 / kTokens);
      Bytes tokens = Load(x + 32 * kGranule);
      if constexpr (kSigned) tokens = _mm256_sign_epi8(tokens, Repeat<kTokens>(q + kAt));
      const Bytes weights = Repeat<kTokens>((kSigned ? magnitude : q) + kAt);
      sums = _mm256_dpbusd_avx_epi32(sums, weights, tokens);
    });
    return _mm256_cvtepi32_ps(sums);
  }
  static Sums Products(Bytes q, Bytes x) {
    return _mm256_cvtepi32_ps(_mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), q, x));
  }
};

}  // namespace wattline::kernels

#endif  // __AVXVNNI__
