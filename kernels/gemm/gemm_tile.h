// The body of dense GEMM, shared by the instruction sets: a register tile, the blocks round it, the
// packing of A. P is an instruction set's tile (tile_avx2.h ...). P lives in an unnamed namespace,
// so that everything made from it here stays inside the file that was compiled for that set.
//
// P has: Out (float or int32_t), Vector, kLanes of Out in a Vector; the tile kRows x kVectors
// vectors; kGroup elements of k in one 32-bit word of B; kWords words of A for each row and group
// (2 where A is widened from bf16 to f32); kRowUnit, which the rows of a packed panel are rounded
// up to; kBlockGroups x kBlockRows, the block of A that is packed at a time; kTranspose, the side
// of the square of words that Transpose turns.
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

// c[R, cols] (+)= a b over `groups`. a: [groups][kWords][RowStride(R)], b: [groups][kCols] words.
// Not inlined: with the blocks' registers beside its own it would spill.
template <class P, int R>
[[gnu::noinline]] void Tile(const uint32_t* a, const uint32_t* b, int64_t groups,
                            typename P::Out* c, int64_t c_stride, int64_t cols, bool accumulate) {
  typename P::Vector sum[R][P::kVectors];
  Unroll<R>([&]<int I>() __attribute__((always_inline)) {
    __builtin_prefetch(c + I * c_stride, 1);
    __builtin_prefetch(c + I * c_stride + kCols<P> - 1, 1);
    Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) { sum[I][J] = P::Zero(); });
  });
  for (int64_t g = 0; g < groups; ++g) {
    P::template Step<R>(sum, a, b);
    a += P::kWords * RowStride<P>(R);
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
                              int64_t, bool);
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
    Tiles<P>::kByRows[count - 1](panel, b, groups, c + i * c_stride, c_stride, cols, accumulate);
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
// x kBlockGroups x 2 floats where kWords is 2.
template <class P>
void PackPanel(const std::byte* a, int64_t stride_byte, int64_t rows, int64_t k, uint32_t* out,
               float* widened) {
  constexpr int64_t kElementByte = P::kWords == 2 ? 2 : 4 / P::kGroup;
  const int64_t stride = RowStride<P>(rows);
  const int64_t groups = (k + P::kGroup - 1) / P::kGroup;
  if constexpr (P::kWords == 2) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t p = 0; p < groups * 2; ++p) {
        uint16_t bits = 0;
        if (p < k) std::memcpy(&bits, a + r * stride_byte + p * kElementByte, 2);
        const uint32_t word = static_cast<uint32_t>(bits) << 16;
        std::memcpy(widened + r * groups * 2 + p, &word, 4);
      }
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

// A block of A, and the widened rows of one panel.
template <class P>
constexpr int64_t ScratchByte() {
  return (P::kBlockRows + (P::kWords == 2 ? P::kRows : 0)) * P::kBlockGroups * P::kWords * 4;
}

// Threads as a grid of grid_rows x grid_cols rectangles of C: the one whose largest rectangle has
// the fewest tiles, then the most nearly square.
struct Grid {
  int64_t rows = 1;
  int64_t cols = 1;
};
static inline Grid BestGrid(int64_t row_tiles, int64_t col_tiles, int threads) {
  Grid best;
  int64_t best_tiles = -1;
  int64_t best_edge = 0;
  for (int64_t rows = 1; rows <= threads; ++rows) {
    if (threads % rows != 0) continue;
    const int64_t cols = threads / rows;
    const int64_t high = (row_tiles + rows - 1) / rows;
    const int64_t wide = (col_tiles + cols - 1) / cols;
    const int64_t edge = high + wide;
    if (best_tiles >= 0 && high * wide > best_tiles) continue;
    if (high * wide == best_tiles && edge >= best_edge) continue;
    best = {rows, cols};
    best_tiles = high * wide;
    best_edge = edge;
  }
  return best;
}

// The slice's rectangle of C. Blocks of k outermost, so that the packed block of A stays in L2
// while the panels of B stream past, each from L1 for all rows of the block.
template <class P>
void Gemm(GemmShape s, const std::byte* a, const std::byte* packed, typename P::Out* c,
          std::byte* scratch, Slice slice) {
  constexpr int64_t kElementByte = P::kWords == 2 ? 2 : 4 / P::kGroup;
  const int64_t row_tiles = (s.m + P::kRows - 1) / P::kRows;
  const int64_t col_tiles = (s.n + kCols<P> - 1) / kCols<P>;
  const Grid grid = BestGrid(row_tiles, col_tiles, slice.count);
  const int64_t grid_row = slice.index / grid.cols;
  const int64_t grid_col = slice.index % grid.cols;
  const auto cut = [](int64_t tiles, int64_t part, int64_t parts, int64_t unit, int64_t end) {
    const int64_t at = tiles * part / parts * unit;
    return at < end ? at : end;
  };
  const int64_t row_begin = cut(row_tiles, grid_row, grid.rows, P::kRows, s.m);
  const int64_t row_end = cut(row_tiles, grid_row + 1, grid.rows, P::kRows, s.m);
  const int64_t col_begin = cut(col_tiles, grid_col, grid.cols, kCols<P>, s.n);
  const int64_t col_end = cut(col_tiles, grid_col + 1, grid.cols, kCols<P>, s.n);
  const int64_t groups = (s.k + P::kGroup - 1) / P::kGroup;
  // Blocks of equal length: a short last one would pay for its pass over C with little work.
  const int64_t blocks = (groups + P::kBlockGroups - 1) / P::kBlockGroups;
  const int64_t my_rows = row_end - row_begin;
  const int64_t my_tiles = (my_rows + P::kRows - 1) / P::kRows;
  const int64_t row_blocks = (my_rows + P::kBlockRows - 1) / P::kBlockRows;
  auto* block = reinterpret_cast<uint32_t*>(scratch);
  auto* widened = reinterpret_cast<float*>(block + P::kBlockRows * P::kBlockGroups * P::kWords);
  const auto* b = reinterpret_cast<const uint32_t*>(packed);
  for (int64_t g_block = 0; g_block < blocks; ++g_block) {
    const int64_t g0 = groups * g_block / blocks;
    const int64_t g_count = groups * (g_block + 1) / blocks - g0;
    const int64_t k0 = g0 * P::kGroup;
    const int64_t k_count = s.k - k0 < g_count * P::kGroup ? s.k - k0 : g_count * P::kGroup;
    for (int64_t block_index = 0; block_index < row_blocks; ++block_index) {
      const int64_t i0 = row_begin + cut(my_tiles, block_index, row_blocks, P::kRows, my_rows);
      const int64_t rows =
          row_begin + cut(my_tiles, block_index + 1, row_blocks, P::kRows, my_rows) - i0;
      for (int64_t i = 0; i < rows; i += P::kRows) {
        PackPanel<P>(a + ((i0 + i) * s.k + k0) * kElementByte, s.k * kElementByte,
                     rows - i < P::kRows ? rows - i : P::kRows, k_count,
                     block + i * g_count * P::kWords, widened);
      }
      for (int64_t j = col_begin; j < col_end; j += kCols<P>) {
        Column<P>(block, g_count, 0, b + j * groups + g0 * kCols<P>, g_count, rows,
                  c + i0 * s.n + j, s.n, s.n - j < kCols<P> ? s.n - j : kCols<P>, g_block > 0);
      }
    }
  }
}

}  // namespace wattline::kernels::tile
