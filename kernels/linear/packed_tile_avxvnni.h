// Packed weights meeting many tokens on AVX-VNNI: AVX2's tile (packed_tile_avx2.h) with vpdpbusd
// for what there takes two instructions and more.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/linear/packed_tile_avx2.h"

namespace wattline::kernels::avxvnni {
namespace {

// A run of 8 rows and a token: 8 vpdpbusd and 2 multiply-adds (4 with offsets and two scales) on
// the two ports that the ceiling's loop fills, so 80 % of it is the bound (67 %); 0.57 to 0.60
// was measured (2026-11-22, one busy core of Emerald Rapids; 0.38 for q8_0, not explained), 1.1 to
// 1.6 times AVX2's tile. Four tokens at a time hide vpdpbusd's 5 cycles.
struct VnniDots {
  static constexpr int kUnroll = 4;
  template <class U>
  static constexpr bool kSigned = false;
  template <class U>
  static constexpr int kShift = U::kSigned ? U::kLargest : 0;

  struct Sum {
    __m256i total;
  };
  static __m256i Weights(__m256i w, bool) { return w; }
  template <class, int, int, int>
  [[gnu::always_inline]] static void Add(Sum& sum, __m256i w, const uint32_t*, __m256i x) {
    sum.total = _mm256_dpbusd_avx_epi32(sum.total, w, x);
  }
  [[gnu::always_inline]] static void Begin(Sum& sum, __m256i start) { sum.total = start; }
  [[gnu::always_inline]] static __m256i Total(const Sum& sum, __m256i) { return sum.total; }
};

using PackedTile = avx2::PackedTileOf<VnniDots>;

}  // namespace
}  // namespace wattline::kernels::avxvnni
