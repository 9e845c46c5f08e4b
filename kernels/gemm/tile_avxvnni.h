// The register tile of AVX-VNNI: AVX2's, with one instruction for what there takes three.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm_tile.h"
#include "kernels/gemm/tile_avx2.h"

namespace wattline::kernels::avxvnni {
namespace {

struct TileInt8 : avx2::TileInt8 {
  template <int R>
  [[gnu::always_inline]] static void Step(Vector (&sum)[R][2], const uint32_t* a,
                                          const uint32_t* b) {
    const __m256i b0 = LoadWords(b);
    const __m256i b1 = LoadWords(b + 8);
    tile::Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      const __m256i x = Word(a + I);
      sum[I][0] = _mm256_dpbusd_avx_epi32(sum[I][0], x, b0);
      sum[I][1] = _mm256_dpbusd_avx_epi32(sum[I][1], x, b1);
    });
  }
};

}  // namespace
}  // namespace wattline::kernels::avxvnni
