// The register tile of GEMM and the packing of A, shared by the instruction sets. P is an
// instruction set's tile (tile_avx2.h ...). P lives in an unnamed namespace, so that everything
// made from it here stays inside the file that was compiled for that set.
//
// P has: Out (float or int32_t), Vector, kLanes of Out in a Vector; the tile kRows x kVectors
// vectors; kGroup elements of k in one 32-bit word of B; kWords words of A for each row and group
// (2 where A is widened from bf16 to f32); kRowUnit, which the rows of a packed panel are rounded
// up to; kBlockGroups, the groups of a block of weights in panel.h; kTranspose, the side of the
// square of words that Transpose turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels::tile {

// f.operator()<0>() ... <N - 1>(): constant indices keep arrays of vectors in registers.
template <int N, class F>
[[gnu::always_inline]] inline void Unroll(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f.template operator()<I>(), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

template <class P>
inline constexpr int kCols = P::kVectors* P::kLanes;

template <class P>
constexpr int64_t RowStride(int64_t rows) {
  return (rows + P::kRowUnit - 1) / P::kRowUnit * P::kRowUnit;
}

// Steps of k that are written out in a tile's loop.
inline constexpr int kChunk = 4;
// What each chunk fetches ahead: a quarter of what it reads of B, so that 4 tiles fetch a panel.
template <class P>
inline constexpr int kAheadByte = (kCols<P> * kChunk + 63) / 64 * 64;

// c[R, cols] (+)= a b over `groups`. a: [groups][kWords][RowStride(R)], b: [groups][kCols] words.
// Fetches kAheadByte from `ahead` on into L2 for each chunk. Not inlined: with the blocks'
// registers beside its own it would spill.
//
// The addresses of what is fetched cost no instruction of their own where it can be helped: with
// ends that were compared and moved in each chunk, all fetching together took AVX2 5 %. Where C is
// more lines than a core can wait for (12 to 16), its rows are fetched one in a chunk; at the start
// they cost AVX-512 1 to 2 %. Measured on Emerald Rapids, 2026-11-21.
template <class P, int R>
[[gnu::noinline]] void Tile(const uint32_t* a, const uint32_t* b, int64_t groups,
                            typename P::Out* c, int64_t c_stride, int64_t cols, bool accumulate,
                            const std::byte* ahead) {
  constexpr int64_t kGroupWords = P::kWords * RowStride<P>(R);
  constexpr bool kSpreadC = R * kCols<P> / 16 > 12;
  typename P::Vector sum[R][P::kVectors];
  Unroll<R>([&]<int I>() __attribute__((always_inline)) {
    if (!kSpreadC) {
      __builtin_prefetch(c + I * c_stride, 1);
      __builtin_prefetch(c + I * c_stride + kCols<P> - 1, 1);
    }
    Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) { sum[I][J] = P::Zero(); });
  });
  const typename P::Out* c_row = c;
  const typename P::Out* const c_last = c + (R - 1) * c_stride;
  const int64_t ahead_byte = groups / kChunk * kAheadByte<P>;
  for (int64_t at = 0; at < ahead_byte; at += kAheadByte<P>) {
    if (kSpreadC) {
      __builtin_prefetch(c_row, 1);
      __builtin_prefetch(c_row + kCols<P> - 1, 1);
      c_row = c_row == c_last ? c_row : c_row + c_stride;
    }
    for (int line = 0; line < kAheadByte<P>; line += 64) {
      __builtin_prefetch(ahead + at + line, 0, 2);
    }
    for (int64_t word = 0; word < kChunk * kGroupWords; word += 16) {
      __builtin_prefetch(a + word + 128, 0, 3);  // 128 words of A: 9 to 21 steps
    }
    Unroll<kChunk>([&]<int I>() __attribute__((always_inline)) {
      P::template Step<R>(sum, a + I * kGroupWords, b + I * kCols<P>);
    });
    a += kChunk * kGroupWords;
    b += kChunk * kCols<P>;
  }
  for (int64_t g = groups / kChunk * kChunk; g < groups; ++g) {
    P::template Step<R>(sum, a, b);
    a += kGroupWords;
    b += kCols<P>;
  }
  if (cols == kCols<P>) {
    Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) {
        typename P::Out* to = c + I * c_stride + J * P::kLanes;
        P::Store(to, accumulate ? P::Add(P::Load(to), sum[I][J]) : sum[I][J]);
      });
    });
    return;
  }
  typename P::Out spilled[R * kCols<P>];
  Unroll<R>([&]<int I>() __attribute__((always_inline)) {
    Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) {
      P::Store(spilled + I * kCols<P> + J * P::kLanes, sum[I][J]);
    });
  });
  for (int64_t i = 0; i < R; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      typename P::Out* to = c + i * c_stride + j;
      *to = accumulate ? *to + spilled[i * kCols<P> + j] : spilled[i * kCols<P> + j];
    }
  }
}

template <class P>
using TileFunction = void (*)(const uint32_t*, const uint32_t*, int64_t, typename P::Out*, int64_t,
                              int64_t, bool, const std::byte*);
template <class P, class Rows = std::make_integer_sequence<int, P::kRows>>
struct Tiles;
template <class P, int... R>
struct Tiles<P, std::integer_sequence<int, R...>> {
  static constexpr TileFunction<P> kByRows[] = {Tile<P, R + 1>...};  // [rows - 1]
};

// c[rows, cols] (+)= the packed panels of A, each `a_groups` long, from group g0 on, times `groups`
// of one panel of B.
template <class P>
void Column(const uint32_t* a, int64_t a_groups, int64_t g0, const uint32_t* b, int64_t groups,
            int64_t rows, typename P::Out* c, int64_t c_stride, int64_t cols, bool accumulate) {
  for (int64_t i = 0; i < rows; i += P::kRows) {
    const int64_t count = rows - i < P::kRows ? rows - i : P::kRows;
    const uint32_t* panel = a + (i * a_groups + RowStride<P>(count) * g0) * P::kWords;
    Tiles<P>::kByRows[count - 1](panel, b, groups, c + i * c_stride, c_stride, cols, accumulate,
                                 reinterpret_cast<const std::byte*>(b));
  }
}

// out[w][r] = word w of row r: `words` words of each of `rows` rows, stride_byte apart.
template <class P>
void TransposeWords(const std::byte* src, int64_t stride_byte, int64_t rows, int64_t words,
                    uint32_t* out, int64_t out_stride) {
  for (int64_t r0 = 0; r0 < rows; r0 += P::kTranspose) {
    const int64_t count = rows - r0 < P::kTranspose ? rows - r0 : P::kTranspose;
    const std::byte* from = src + r0 * stride_byte;
    uint32_t* to = out + r0;
    int64_t w = 0;
    for (; w + P::kTranspose <= words; w += P::kTranspose) {
      P::Transpose(from + w * 4, stride_byte, count, to + w * out_stride, out_stride);
    }
    for (; w < words; ++w) {
      for (int64_t r = 0; r < count; ++r) {
        std::memcpy(to + w * out_stride + r, from + r * stride_byte + w * 4, 4);
      }
    }
  }
}

// Packs k elements of each of rows <= kRows rows of A into one panel; `widened` has room for kRows
// rows of k floats, k rounded up to pairs, where kWords is 2.
template <class P>
void PackPanel(const std::byte* a, int64_t stride_byte, int64_t rows, int64_t k, uint32_t* out,
               float* widened) {
  constexpr int64_t kElementByte = P::kWords == 2 ? 2 : 4 / P::kGroup;
  const int64_t stride = RowStride<P>(rows);
  const int64_t groups = (k + P::kGroup - 1) / P::kGroup;
  if constexpr (P::kWords == 2) {
    for (int64_t r = 0; r < rows; ++r) {
      const auto* from = reinterpret_cast<const uint16_t*>(a + r * stride_byte);
      auto* to = reinterpret_cast<uint32_t*>(widened) + r * groups * 2;
      for (int64_t p = 0; p < k; ++p) to[p] = static_cast<uint32_t>(from[p]) << 16;
      if (k < groups * 2) to[k] = 0;
    }
    TransposeWords<P>(reinterpret_cast<const std::byte*>(widened), groups * 8, rows, groups * 2,
                      out, stride);
    return;
  }
  const int64_t whole = k / P::kGroup;
  TransposeWords<P>(a, stride_byte, rows, whole, out, stride);
  if (whole == groups) return;
  for (int64_t r = 0; r < rows; ++r) {
    uint32_t word = 0;
    std::memcpy(&word, a + r * stride_byte + whole * 4,
                static_cast<size_t>((k - whole * P::kGroup) * kElementByte));
    out[whole * stride + r] = word;
  }
}

}  // namespace wattline::kernels::tile
