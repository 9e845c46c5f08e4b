// Eight runs of 32 packed weights (an octet: 256 weights) in 512-bit registers: one block of the K
// formats, eight or four of the others. For the GEMV's AVX-512 file.
//
// The integers lie in two quads of four runs, each quad in two registers: the first holds the first
// 16 weights of each of its four runs, the second the last 16. So both can be summed into one
// register of dot products, whose lanes 4 r .. 4 r + 3 belong to run r: one conversion and one
// multiply-add for 128 weights. Ports decide: every 512-bit operation takes port 0 or 5 on Intel,
// so a core that reads 20 GB/s at 3.6 GHz has 23 of them for 64 bytes; q4_0 with one token takes 26
// for 144 bytes, q4_k 31 for 144, q6_k 44 for 210, q8_0 34 for 272. Measured in cache, Emerald
// Rapids at 3.0 GHz, 2026-11-21: 17 cycles for the 26, since what only port 5 does (7) is not
// evened out.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels::avx512 {

// Octet<kFormat> has
//   kByte     of packed weights
//   kHalves   whether the first and last 16 of a run have scales of their own
//   kOffset   see below
//   Integers  q[0], q[1] quad 0, q[2], q[3] quad 1: unsigned bytes
//   Scales    16 f32: scale r and minimum r of run r in lanes 2 r and 2 r + 1; with kHalves the
//             scales of its halves there
// so that element = scale * q + kOffset * minimum, with kHalves scale * q + kOffset * scale. Where
// a format has no minimum, the scale stands in for it.
template <Format kFormat>
struct Octet;

[[gnu::always_inline]] inline __m128i Load16(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
[[gnu::always_inline]] inline __m512i Load64(const std::byte* at) { return _mm512_loadu_si512(at); }

constexpr long long kEach = 0x0101010101010101;

// 16 bytes from each of four blocks, `kStride` bytes apart.
template <int kStride>
[[gnu::always_inline]] inline __m512i Four(const std::byte* at) {
  __m512i four = _mm512_zextsi128_si512(Load16(at));
  four = _mm512_mask_broadcast_i32x4(four, 0x00f0, Load16(at + kStride));
  four = _mm512_mask_broadcast_i32x4(four, 0x0f00, Load16(at + 2 * kStride));
  return _mm512_mask_broadcast_i32x4(four, 0xf000, Load16(at + 3 * kStride));
}
// The same from the offsets k0 .. k3 of 72 to 80 bytes at `at`, the first three within 64 of them:
// one load and one permutation in place of three loads and two merges.
template <int k0, int k1, int k2, int k3>
[[gnu::always_inline]] inline __m512i FourOf64(const std::byte* at) {
  static_assert(k2 <= 48);
  const __m512i count =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m512i first = _mm512_setr_epi64(kEach * k0, kEach * k0, kEach * k1, kEach * k1,
                                          kEach * k2, kEach * k2, 0, 0);
  const __m512i three = _mm512_permutexvar_epi8(_mm512_add_epi8(count, first), Load64(at));
  return _mm512_mask_broadcast_i32x4(three, 0xf000, Load16(at + k3));
}
// 16 bytes at `a` in the lanes of 32 bits that `kLanes` leaves out, those at `b` in the others.
template <int kLanes>
[[gnu::always_inline]] inline __m512i Two(const std::byte* a, const std::byte* b) {
  return _mm512_mask_broadcast_i32x4(_mm512_broadcast_i32x4(Load16(a)), kLanes, Load16(b));
}
[[gnu::always_inline]] inline __m512i And(__m512i a, int mask) {
  return _mm512_and_si512(a, _mm512_set1_epi8(static_cast<char>(mask)));
}
// Bits of `a` where `mask` has ones, of `b` elsewhere.
[[gnu::always_inline]] inline __m512i Select(__m512i a, __m512i b, int mask) {
  return _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi8(static_cast<char>(mask)), 0xe4);
}
// Bytes of each 128-bit lane l, turned right by kFirst + kStep * l bits within their 64.
template <int kFirst, int kStep>
[[gnu::always_inline]] inline __m512i TurnLanes(__m512i a) {
  alignas(64) static constexpr auto kControl = [] {
    struct {
      uint8_t byte[64];
    } control{};
    for (int i = 0; i < 64; ++i) {
      control.byte[i] = static_cast<uint8_t>((8 * (i % 8) + kFirst + kStep * (i / 16)) & 63);
    }
    return control;
  }();
  return _mm512_multishift_epi64_epi8(_mm512_load_si512(&kControl), a);
}
[[gnu::always_inline]] inline __m512 HalvesToFloats(__m512i low_halves) {
  return _mm512_cvtph_ps(_mm512_castsi512_si256(low_halves));
}
// Words (16 bits) 0, 0, kStride, kStride, ... of four blocks, in the low 16 bytes and in the next.
template <int kStride>
[[gnu::always_inline]] inline __m512i TwiceEachWord() {
  constexpr short k1 = kStride, k2 = 2 * kStride, k3 = 3 * kStride;
  return _mm512_broadcast_i32x4(_mm_setr_epi16(0, 0, k1, k1, k2, k2, k3, k3));
}

template <>
struct Octet<Format::kQ4_0> {
  static constexpr int kByte = 8 * 18;
  static constexpr bool kHalves = false;
  static constexpr float kOffset = -8;
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    const __m512i first = FourOf64<2, 20, 38, 56>(at);
    const __m512i second = FourOf64<2, 20, 38, 56>(at + 72);
    q[0] = And(first, 15);
    q[1] = And(_mm512_srli_epi16(first, 4), 15);
    q[2] = And(second, 15);
    q[3] = And(_mm512_srli_epi16(second, 4), 15);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    const __m512i words = TwiceEachWord<9>();
    const __m512i first = _mm512_permutexvar_epi16(words, Load64(at));
    return HalvesToFloats(_mm512_mask_permutexvar_epi16(first, 0xff00, words, Load64(at + 72)));
  }
};

template <>
struct Octet<Format::kQ4_1> {
  static constexpr int kByte = 8 * 20;
  static constexpr bool kHalves = false;
  static constexpr float kOffset = 1;
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    const __m512i first = FourOf64<4, 24, 44, 64>(at);
    const __m512i second = FourOf64<4, 24, 44, 64>(at + 80);
    q[0] = And(first, 15);
    q[1] = And(_mm512_srli_epi16(first, 4), 15);
    q[2] = And(second, 15);
    q[3] = And(_mm512_srli_epi16(second, 4), 15);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    const __m512i words = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 5, 10, 15));
    const __m512i first = _mm512_permutexvar_epi32(words, Load64(at));
    return HalvesToFloats(_mm512_mask_permutexvar_epi32(first, 0x00f0, words, Load64(at + 80)));
  }
};

// Two runs to a block: bytes hold neighbours.
template <>
struct Octet<Format::kMlx4> {
  static constexpr int kByte = 4 * 36;
  static constexpr bool kHalves = false;
  static constexpr float kOffset = 1;
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    Quad(at, q[0], q[1]);
    Quad(at + 72, q[2], q[3]);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    const __m512i words = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0, 9, 9));
    const __m512i first = _mm512_permutexvar_epi32(words, Load64(at));
    return HalvesToFloats(_mm512_mask_permutexvar_epi32(first, 0x00f0, words, Load64(at + 72)));
  }

 private:
  [[gnu::always_inline]] static void Quad(const std::byte* at, __m512i& low, __m512i& high) {
    const __m512i bytes = FourOf64<4, 20, 40, 56>(at);
    const __m512i even = And(bytes, 15), odd = And(_mm512_srli_epi16(bytes, 4), 15);
    low = _mm512_unpacklo_epi8(even, odd);
    high = _mm512_unpackhi_epi8(even, odd);
  }
};

// Signed integers, raised by 128.
template <>
struct Octet<Format::kQ8_0> {
  static constexpr int kByte = 8 * 34;
  static constexpr bool kHalves = false;
  static constexpr float kOffset = -128;
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    const __m512i raise = _mm512_set1_epi8(static_cast<char>(0x80));
    q[0] = _mm512_xor_si512(Four<34>(at + 2), raise);
    q[1] = _mm512_xor_si512(Four<34>(at + 18), raise);
    q[2] = _mm512_xor_si512(Four<34>(at + 138), raise);
    q[3] = _mm512_xor_si512(Four<34>(at + 154), raise);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    const __m512i words = _mm512_broadcast_i64x4(
        _mm256_broadcastsi128_si256(_mm_setr_epi16(0, 0, 17, 17, 0, 0, 17, 17)));
    __m512i halves = _mm512_permutexvar_epi16(words, Load64(at));
    halves = _mm512_mask_permutexvar_epi16(halves, 0x00f0, words, Load64(at + 68));
    halves = _mm512_mask_permutexvar_epi16(halves, 0x0f00, words, Load64(at + 136));
    return HalvesToFloats(_mm512_mask_permutexvar_epi16(halves, 0xf000, words, Load64(at + 204)));
  }
};

// What q4_k and q5_k share. Runs 2 i and 2 i + 1 are the low and high halves of 32 bytes.
struct ScaleMinOctet {
  static constexpr bool kHalves = false;
  static constexpr float kOffset = -1;
  // Lanes of 16 bits that hold high halves; of 32 bits that hold runs 2 and 3 of a quad.
  static constexpr __mmask32 kHigh = 0xff00ff00;
  static constexpr int kSecond = 0xff00;

  // Scales and minima: bytes 4-11 of the block hold eight numbers of 6 bits and on top the upper
  // two bits of eight more, whose lower four are bytes 12-15. `high` multiplies the scales of odd
  // runs.
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at, float high) {
    const __m128i words = Load16(at + 4);
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 4));
    const __m128i direct = _mm_multishift_epi64_epi8(
        _mm_setr_epi8(0, 32, 8, 40, 16, 48, 24, 56, 0, 4, 8, 12, 16, 20, 24, 28), words);
    const __m128i upper = _mm_multishift_epi64_epi8(
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 2, 34, 10, 42, 18, 50, 26, 58),
        _mm_unpacklo_epi64(eight, eight));
    const __m128i kept =
        _mm_and_si128(direct, _mm_set_epi64x(0x0f0f0f0f0f0f0f0f, 0x3f3f3f3f3f3f3f3f));
    const __m128i bytes =
        _mm_ternarylogic_epi32(upper, kept, _mm_set_epi64x(0x3030303030303030, 0), 0xec);
    const __m512 wide = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    int32_t both;
    __builtin_memcpy(&both, at, 4);
    const __m512 unit = _mm512_cvtph_ps(_mm256_set1_epi32(both));
    if (high == 1) return _mm512_mul_ps(wide, unit);
    const __m512 factor = _mm512_broadcast_f32x4(_mm_setr_ps(1, 1, high, 1));
    return _mm512_mul_ps(wide, _mm512_mul_ps(unit, factor));
  }
};

// High halves stay where they are: 16 times their value, and their runs' scales a sixteenth.
template <>
struct Octet<Format::kQ4_K> : ScaleMinOctet {
  static constexpr int kByte = 144;
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    const __m512i mask = _mm512_broadcast_i64x4(
        _mm256_setr_m128i(_mm_set1_epi8(0x0f), _mm_set1_epi8(static_cast<char>(0xf0))));
    q[0] = _mm512_and_si512(Two<kSecond>(at + 16, at + 48), mask);
    q[1] = _mm512_and_si512(Two<kSecond>(at + 32, at + 64), mask);
    q[2] = _mm512_and_si512(Two<kSecond>(at + 80, at + 112), mask);
    q[3] = _mm512_and_si512(Two<kSecond>(at + 96, at + 128), mask);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    return ScaleMinOctet::Scales(at, 1.0f / 16);
  }
};

template <>
struct Octet<Format::kQ5_K> : ScaleMinOctet {
  static constexpr int kByte = 176;
  // Bit r of byte l of the 32 at 16 is the fifth bit of weight l of run r.
  template <int kQuad>
  [[gnu::always_inline]] static __m512i Sixteen(const std::byte* q, const std::byte* fifth) {
    __m512i low = Two<kSecond>(q, q + 32);
    low = And(_mm512_mask_srli_epi16(low, kHigh, low, 4), 15);
    const __m512i high = TurnLanes<4 * kQuad - 4, 1>(_mm512_broadcast_i32x4(Load16(fifth)));
    return _mm512_ternarylogic_epi32(high, low, _mm512_set1_epi8(16), 0xec);
  }
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    q[0] = Sixteen<0>(at + 48, at + 16);
    q[1] = Sixteen<0>(at + 64, at + 32);
    q[2] = Sixteen<1>(at + 112, at + 16);
    q[3] = Sixteen<1>(at + 128, at + 32);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    return ScaleMinOctet::Scales(at, 1);
  }
};

template <>
struct Octet<Format::kQ6_K> {
  static constexpr int kByte = 210;
  static constexpr bool kHalves = true;
  static constexpr float kOffset = -32;
  // Runs 0 .. 3 of a half: the low halves of 32 bytes at `q` and of the next 32, then their high
  // halves; above them bits 0-1, 2-3, 4-5 and 6-7 of the bytes at `upper`.
  [[gnu::always_inline]] static __m512i Sixteen(const std::byte* q, const std::byte* upper) {
    __m512i low = Two<0xf0f0>(q, q + 32);
    low = _mm512_mask_srli_epi16(low, 0xffff0000, low, 4);
    const __m512i high = TurnLanes<-4, 2>(_mm512_broadcast_i32x4(Load16(upper)));
    return And(Select(high, low, 0x30), 0x3f);
  }
  [[gnu::always_inline]] static void Integers(const std::byte* at, __m512i (&q)[4]) {
    q[0] = Sixteen(at, at + 128);
    q[1] = Sixteen(at + 16, at + 144);
    q[2] = Sixteen(at + 64, at + 160);
    q[3] = Sixteen(at + 80, at + 176);
  }
  [[gnu::always_inline]] static __m512 Scales(const std::byte* at) {
    const __m512 wide = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(Load16(at + 192)));
    short unit;
    __builtin_memcpy(&unit, at + 208, 2);
    return _mm512_mul_ps(wide, _mm512_cvtph_ps(_mm256_set1_epi16(unit)));
  }
};

}  // namespace wattline::kernels::avx512
