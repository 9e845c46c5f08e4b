// Packed weights on 256-bit vectors: dot products by vpmaddubsw, 8 f32 at a time.
#pragma once

#if defined(__AVX2__)

#include "kernels/format.h"
#include "kernels/simd/packed_x86.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {

// `Isa` is the instruction set's own struct, which may have better dot products than these.
template <class Isa>
struct PackedAvx2 : PackedYmm<Isa> {
  using typename PackedYmm<Isa>::Bytes;
  using typename PackedYmm<Isa>::Sums;
  using PackedYmm<Isa>::Load;
  static constexpr int kLanes = 8;
  using Floats = __m256;
  // Dense rows that meet so many tokens together: sums for all within 16 registers.
  template <int kTokens>
  static constexpr int kDenseRows = kTokens == 8   ? 1
                                    : kTokens == 4 ? 3
                                                   : kTokens;

  // Eight sums of four products each, as f32. q is in 0 .. 63 and x in -127 .. 127: the 16-bit pair
  // sums of vpmaddubsw stay below 16003.
  static Sums Dot(Bytes q, const int8_t* x) { return Widen(_mm256_maddubs_epi16(q, Load(x))); }
  // q in -128 .. 127: |q| takes x with q's sign; pair sums stay below 32513, so none saturates.
  static Sums DotSigned(Bytes q, const int8_t* x) {
    return Widen(_mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(Load(x), q)));
  }
  // Dot products of granules kFrom .. kTo - 1 of 32 weights with those of kTokens tokens: x holds
  // 32 bytes for each. |q| <= kLargest; as many 16-bit pair sums are added as cannot overflow.
  template <int kTokens, int kFrom, int kTo, bool kSigned, int kLargest>
  static Sums DotTokens(const int8_t* q, const int8_t* magnitude, const int8_t* x) {
    constexpr int kFit = 32767 / (2 * kLargest * 127);
    __m256i words = _mm256_setzero_si256(), sums = _mm256_setzero_si256();
    Unroll<kTo - kFrom>([&](auto step) __attribute__((always_inline)) {
      constexpr int kGranule = kFrom + decltype(step)::value, kAt = kGranule * (32 / kTokens);
      Bytes tokens = Load(x + 32 * kGranule);
      if constexpr (kSigned)
        tokens = _mm256_sign_epi8(tokens, Isa::template Repeat<kTokens>(q + kAt));
      const Bytes weights = Isa::template Repeat<kTokens>((kSigned ? magnitude : q) + kAt);
      const __m256i pairs = _mm256_maddubs_epi16(weights, tokens);
      words = decltype(step)::value % kFit == 0 ? pairs : _mm256_add_epi16(words, pairs);
      if constexpr (decltype(step)::value % kFit == kFit - 1 || kGranule == kTo - 1) {
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
      }
    });
    return _mm256_cvtepi32_ps(sums);
  }
  static Sums Widen(__m256i pairs) {
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  static Sums DotHalves(Bytes q, const int8_t* x, float low, float high) {
    return Isa::MultiplyHalves(Isa::DotSigned(q, x), low, high);
  }

  // out[i] = q[i] * scale / kStoreScale + offset, low and high 16 elements with their own.
  static constexpr float kStoreScale = 0x1p-24f;
  template <class Out>
  static void Store(Bytes q, float scale0, float offset0, float scale1, float offset1, Out* out) {
    Store16(_mm256_permute4x64_epi64(q, 0x44), scale0, offset0, out);
    Store16(_mm256_permute4x64_epi64(q, 0xee), scale1, offset1, out + 16);
  }
  // q twice: 16 elements in each half. A shuffle puts each into the top byte of its lane:
  // vpmovsxbd of a part of a register would cost two or three shuffles.
  static void Store16(Bytes q, float scale, float offset, float* out) {
    PackedYmm<Isa>::PrepareStore(out);
    _mm256_storeu_ps(out, Values<0, 1>(q, scale, offset));
    _mm256_storeu_ps(out + 8, Values<8, 1>(q, scale, offset));
  }
  // Even and odd elements, so that their upper words interleave in place.
  static void Store16(Bytes q, float scale, float offset, uint16_t* out) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        Interleave(Values<0, 2>(q, scale, offset), Values<1, 2>(q, scale, offset)));
  }
  // Elements kFirst + i * kStep.
  template <int kFirst, int kStep>
  static Floats Values(Bytes q, float scale, float offset) {
    constexpr auto kTop = [](int i) { return (kFirst + i * kStep) << 24 | 0x808080; };
    const __m256i order =
        _mm256_setr_epi32(kTop(0), kTop(1), kTop(2), kTop(3), kTop(4), kTop(5), kTop(6), kTop(7));
    const __m256 value = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(q, order));
    return _mm256_fmadd_ps(value, _mm256_set1_ps(scale), _mm256_set1_ps(offset));
  }
  static void StoreLanes(Floats value, float* out) { _mm256_storeu_ps(out, value); }
  static void StoreLanes(Floats value, uint16_t* out) {
    const __m256i bits = Bf16(value);
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(out),
        _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1)));
  }
  // To bf16, nearest even: word 2 i is even[i], word 2 i + 1 odd[i]. A NaN whose upper 16 bits hold
  // its payload, as all that arithmetic makes, stays one (in Bf16 too).
  static __m256i Interleave(Floats even, Floats odd) {
    const __m256i e = _mm256_castps_si256(even), o = _mm256_castps_si256(odd);
    const __m256i high = _mm256_blend_epi16(_mm256_srli_epi32(e, 16), o, 0xaa);
    const __m256i low = _mm256_blend_epi16(e, _mm256_slli_epi32(o, 16), 0xaa);
    // Up from 0x8001, and from 0x8000 where that makes an odd number even.
    const __m256i least =
        _mm256_xor_si256(_mm256_or_si256(high, _mm256_set1_epi16(-2)), _mm256_set1_epi16(0x7fff));
    const __m256i up = _mm256_cmpeq_epi16(_mm256_max_epu16(low, least), low);
    return _mm256_sub_epi16(high, up);
  }
  // Nearest even, in the low half of each lane.
  static __m256i Bf16(Floats value) {
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    return _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
  }

  // kLanes elements of a dense format.
  template <Format kFormat>
  static Floats LoadLanes(const std::byte* at) {
    if constexpr (kFormat == Format::kF32) {
      return _mm256_loadu_ps(reinterpret_cast<const float*>(at));
    } else {
      const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      if constexpr (kFormat == Format::kF16) return _mm256_cvtph_ps(bits);
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
  }
  static Floats ZeroFloats() { return _mm256_setzero_ps(); }
  static Floats AddFloats(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats MultiplyAddFloats(Floats sum, Floats a, const float* b) {
    return _mm256_fmadd_ps(a, _mm256_loadu_ps(b), sum);
  }
  static float TotalFloats(Floats a) { return Isa::Total(a); }
};

struct Avx2 : PackedAvx2<Avx2> {};

}  // namespace wattline::kernels

#endif  // __AVX2__
