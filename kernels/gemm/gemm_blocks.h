// The body of dense GEMM for tiles made of matrix instructions (AMX; NEON's bfmmla and smmla): the
// blocks round a tile of C, the packing of A, the edges. P is an instruction set's tile
// (tile_amx.h, tile_neon_i8mm.h) and lives in an unnamed namespace, so that everything made from it
// here stays inside the file that was compiled for that set.
//
// P has: Out (float or int32_t); kRows x kCols, the tile of C; kStepByte, the bytes of k that one
// step takes of each row, and kElementByte; kBlockSteps, kBlockRows, kBlockCols; Begin() and End()
// round a slice; and Kernel(a, b, steps, c, c_stride, accumulate, next): a whole tile c (+)= a b,
// with a [steps][kRows][kStepByte] and b a panel's steps (gemm_extended.h), that may fetch
// kNextLines lines a step from `next` on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels::blocks {

template <class P>
constexpr int64_t Steps(int64_t k) {
  return (k * P::kElementByte + P::kStepByte - 1) / P::kStepByte;
}

// Packed rows of A: a block's, over all of k.
template <class P>
constexpr int64_t ScratchByte(GemmShape shape) {
  const int64_t padded = (shape.m + P::kRows - 1) / P::kRows * P::kRows;
  const int64_t rows = padded < P::kBlockRows ? padded : P::kBlockRows;
  return rows * Steps<P>(shape.k) * P::kStepByte;
}

// One panel: out[step][kRows][kStepByte] from rows <= kRows rows of k_byte bytes; zeros elsewhere.
// 16 KiB of the panel at a time, which the first-level cache holds.
template <class P>
void PackPanel(const std::byte* a, int64_t stride_byte, int64_t rows, int64_t k_byte,
               std::byte* out) {
  constexpr int64_t kPanelStep = P::kRows * P::kStepByte;
  constexpr int64_t kChunkByte = 16384 / kPanelStep * P::kStepByte;
  for (int64_t at = 0; at < k_byte; at += kChunkByte, out += kChunkByte * P::kRows) {
    const int64_t count = k_byte - at < kChunkByte ? k_byte - at : kChunkByte;
    const int64_t steps = (count + P::kStepByte - 1) / P::kStepByte;
    const int64_t whole = count / P::kStepByte;
    for (int64_t r = 0; r < P::kRows; ++r) {
      std::byte* to = out + r * P::kStepByte;
      if (r >= rows) {
        for (int64_t s = 0; s < steps; ++s) std::memset(to + s * kPanelStep, 0, P::kStepByte);
        continue;
      }
      const std::byte* from = a + r * stride_byte + at;
      for (int64_t s = 0; s < whole; ++s) {
        std::memcpy(to + s * kPanelStep, from + s * P::kStepByte, P::kStepByte);
      }
      if (whole == steps) continue;
      std::memset(to + whole * kPanelStep, 0, P::kStepByte);
      std::memcpy(to + whole * kPanelStep, from + whole * P::kStepByte,
                  static_cast<size_t>(count - whole * P::kStepByte));
    }
  }
}

// A tile of C, of which only rows x cols are there.
template <class P>
void Edge(const std::byte* a, const std::byte* b, int64_t steps, typename P::Out* c,
          int64_t c_stride, int64_t rows, int64_t cols, bool accumulate, const std::byte* next) {
  alignas(64) typename P::Out whole[P::kRows * P::kCols] = {};
  for (int64_t i = 0; accumulate && i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) whole[i * P::kCols + j] = c[i * c_stride + j];
  }
  P::Kernel(a, b, steps, whole, P::kCols, accumulate, next);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) c[i * c_stride + j] = whole[i * P::kCols + j];
  }
}

// Threads as a grid of rectangles of C. What a rectangle costs, in tiles' time: its tiles; a panel
// of A is packed, and a panel of B comes from beyond the private caches, in about the time of
// three.
struct Grid {
  int64_t rows = 1;
  int64_t cols = 1;
};
static inline Grid BestGrid(int64_t row_panels, int64_t col_panels, int threads) {
  Grid best;
  int64_t least = -1;
  for (int64_t rows = 1; rows <= threads; ++rows) {
    if (threads % rows != 0) continue;
    const int64_t cols = threads / rows;
    const int64_t high = (row_panels + rows - 1) / rows;
    const int64_t wide = (col_panels + cols - 1) / cols;
    const int64_t cost = high * wide + 3 * (high + wide);
    if (least >= 0 && cost >= least) continue;
    best = {rows, cols};
    least = cost;
  }
  return best;
}

// Items [begin, end), cut at multiples of a panel's width.
struct Span {
  int64_t begin;
  int64_t end;
};
static inline Span Cut(Span all, int64_t unit, int64_t part, int64_t parts) {
  const int64_t units = (all.end - all.begin + unit - 1) / unit;
  const int64_t begin = all.begin + units * part / parts * unit;
  const int64_t end = all.begin + units * (part + 1) / parts * unit;
  return {begin < all.end ? begin : all.end, end < all.end ? end : all.end};
}
static inline int64_t Parts(Span all, int64_t most) {
  return (all.end - all.begin + most - 1) / most;
}

// c[rows, cols] (+)= `steps` steps of the packed panels of A and B, which are `a_steps` and
// `b_steps` long. A panel of B stays in a private cache while those of A pass; the next one is
// fetched meanwhile, a part by each tile.
template <class P>
void Block(const std::byte* a, int64_t a_steps, const std::byte* b, int64_t b_steps, int64_t steps,
           int64_t rows, int64_t cols, typename P::Out* c, int64_t c_stride, bool accumulate) {
  for (int64_t j = 0; j < cols; j += P::kCols) {
    const std::byte* b_panel = b + j * b_steps * P::kStepByte;
    const bool another = j + P::kCols < cols;
    const std::byte* next = another ? b_panel + P::kCols * b_steps * P::kStepByte : b_panel;
    int64_t next_byte = another ? P::kCols * steps * P::kStepByte : 0;
    for (int64_t i = 0; i < rows; i += P::kRows) {
      const std::byte* a_panel = a + i * a_steps * P::kStepByte;
      typename P::Out* to = c + i * c_stride + j;
      const int64_t high = rows - i < P::kRows ? rows - i : P::kRows;
      const int64_t wide = cols - j < P::kCols ? cols - j : P::kCols;
      if (high == P::kRows && wide == P::kCols) {
        P::Kernel(a_panel, b_panel, steps, to, c_stride, accumulate,
                  next_byte > 0 ? next : b_panel);
      } else {
        Edge<P>(a_panel, b_panel, steps, to, c_stride, high, wide, accumulate,
                next_byte > 0 ? next : b_panel);
      }
      next += P::kNextLines * 64 * steps;
      next_byte -= P::kNextLines * 64 * steps;
    }
  }
}

// The slice's rectangle of C. A block of rows is packed once, over all of k; the part of C that is
// summed up over the blocks of k stays in the second-level cache.
template <class P>
void Gemm(GemmShape s, const std::byte* a, const std::byte* packed, typename P::Out* c,
          std::byte* scratch, Slice slice) {
  const int64_t k_byte = s.k * P::kElementByte;
  const int64_t steps = Steps<P>(s.k);
  const Grid grid =
      BestGrid((s.m + P::kRows - 1) / P::kRows, (s.n + P::kCols - 1) / P::kCols, slice.count);
  const Span my_rows = Cut({0, s.m}, P::kRows, slice.index / grid.cols, grid.rows);
  const Span my_cols = Cut({0, s.n}, P::kCols, slice.index % grid.cols, grid.cols);
  const int64_t row_blocks = Parts(my_rows, P::kBlockRows);
  const int64_t col_blocks = Parts(my_cols, P::kBlockCols);
  const int64_t step_blocks = (steps + P::kBlockSteps - 1) / P::kBlockSteps;
  P::Begin();
  for (int64_t row_block = 0; row_block < row_blocks; ++row_block) {
    const Span rows = Cut(my_rows, P::kRows, row_block, row_blocks);
    for (int64_t i = rows.begin; i < rows.end; i += P::kRows) {
      PackPanel<P>(a + i * k_byte, k_byte, rows.end - i < P::kRows ? rows.end - i : P::kRows,
                   k_byte, scratch + (i - rows.begin) * steps * P::kStepByte);
    }
    for (int64_t col_block = 0; col_block < col_blocks; ++col_block) {
      const Span cols = Cut(my_cols, P::kCols, col_block, col_blocks);
      for (int64_t block = 0; block < step_blocks; ++block) {
        const Span part = Cut({0, steps}, 1, block, step_blocks);
        Block<P>(scratch + part.begin * P::kRows * P::kStepByte, steps,
                 packed + (cols.begin * steps + part.begin * P::kCols) * P::kStepByte, steps,
                 part.end - part.begin, rows.end - rows.begin, cols.end - cols.begin,
                 c + rows.begin * s.n + cols.begin, s.n, block > 0);
      }
    }
  }
  P::End();
}

}  // namespace wattline::kernels::blocks
