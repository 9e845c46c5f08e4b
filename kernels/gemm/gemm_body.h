// The body of dense GEMM, shared by the instruction sets: the blocks round the register tile of
// gemm_tile.h, whose P it takes. P further has kDepth (words of k in a block) and kBlockRows (rows
// of A that are packed at a time); where kWords is 2, Widened, the f32 tile that the widened
// operands meet.
//
// A block of A stays in L2 while the panels of B stream past, each met by all rows of the block.
// Measured on Emerald Rapids, one thread, 512x1024x4096, 2026-11-21, against the peak of the same
// run (f32 / bf16 / int8):
//   79 / 80 / 88 %  before: panels of B fetched by the first tile that meets them
//   92 / 90 / 94 %  each panel fetched into L2 while the one before is multiplied
// What was left then: 4 % for packing A with 1024 columns to share it. bf16 is widened once per
// panel, not in every tile, whose shifts took 4 of 60 slots of the ports that multiply.
// Prefetching the rows that are packed next, and B into L1, gained nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_grid.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/slice.h"

namespace wattline::kernels::tile {

// Groups of k in a block.
template <class P>
inline constexpr int64_t kDepthGroups = P::kDepth / P::kWords;

// Words of a block of A: whole slots of kRows rows each.
template <class P>
inline constexpr int64_t kBlockWords = int64_t{P::kBlockRows} * P::kDepth;

// A block of A; where operands are widened, a panel of B in f32 and the rows of one panel of A.
template <class P>
constexpr int64_t ScratchByte() {
  return (kBlockWords<P> + (P::kWords == 2 ? (kCols<P> + P::kRows) * P::kDepth : 0)) * 4;
}

// The tile that runs on packed operands of P.
template <class P, int kWords = P::kWords>
struct Runs {
  using Type = P;
};
template <class P>
struct Runs<P, 2> {
  using Type = typename P::Widened;
};

// Part `part` of `parts` of the items, in whole units. P keeps it inside the instruction set's
// file.
template <class P>
constexpr Range Part(int64_t items, int64_t unit, int64_t part, int64_t parts) {
  const int64_t units = (items + unit - 1) / unit;
  const int64_t end = units * (part + 1) / parts * unit;
  return {units * part / parts * unit, end < items ? end : items};
}

// A panel of B from pairs of bf16 to two rows of f32 each.
template <class P>
void WidenPanel(const uint32_t* pairs, int64_t groups, uint32_t* out) {
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t j = 0; j < kCols<P>; ++j) {
      const uint32_t pair = pairs[g * kCols<P> + j];
      out[g * 2 * kCols<P> + j] = pair << 16;
      out[(g * 2 + 1) * kCols<P> + j] = pair & 0xffff0000u;
    }
  }
}

// `rows` rows of A, cut into panels of nearly equal height: 14 + 2 rows would leave the second
// tile waiting for its few sums.
template <class P>
struct Heights {
  explicit Heights(int64_t row_count)
      : rows(row_count), count((row_count + P::kRows - 1) / P::kRows) {}
  Range Of(int64_t panel) const { return Part<P>(rows, 1, panel, count); }
  int64_t rows, count;
};

// Where the block's panels lie: slots of kRows rows.
template <class P>
uint32_t* Slot(uint32_t* block, int64_t panel, int64_t groups) {
  return block + panel * P::kRows * groups * P::kWords;
}

// c[block, cols] (+)= the packed block of A times one panel of B. Tiles that come first fetch the
// `next` panel of B, kAheadLines of it in each chunk of theirs.
template <class P>
void Multiply(uint32_t* block, Heights<P> heights, int64_t groups, const uint32_t* b,
              const std::byte* next, typename P::Out* c, int64_t c_stride, int64_t cols,
              bool accumulate) {
  using Tile = typename Runs<P>::Type;
  const int64_t next_byte = next == nullptr ? 0 : groups * kCols<P> * 4;
  const int64_t tile_byte = groups * P::kWords / kChunk * kAheadByte<Tile>;
  for (int64_t t = 0; t < heights.count; ++t) {
    const Range rows = heights.Of(t);
    const int64_t at_byte = t * tile_byte;
    Tiles<Tile>::kByRows[rows.end - rows.begin - 1](
        Slot<P>(block, t, groups), b, groups * P::kWords, c + rows.begin * c_stride, c_stride, cols,
        accumulate, at_byte < next_byte ? next + at_byte : reinterpret_cast<const std::byte*>(b));
  }
}

// The slice's rectangle of C.
template <class P>
void Gemm(GemmShape s, const std::byte* a, const std::byte* packed, typename P::Out* c,
          std::byte* scratch, Slice slice) {
  constexpr int64_t kElementByte = P::kWords == 2 ? 2 : 4 / P::kGroup;
  const auto [my_rows, my_cols] = GemmShare(s, kCols<P>, slice);
  const int64_t groups = (s.k + P::kGroup - 1) / P::kGroup;
  // Blocks of nearly equal size: a short last one would pay for its pass over C with little work.
  const int64_t depths = (groups + kDepthGroups<P> - 1) / kDepthGroups<P>;
  const int64_t row_count = my_rows.end - my_rows.begin;
  const int64_t row_blocks = (row_count + P::kBlockRows - 1) / P::kBlockRows;
  auto* block = reinterpret_cast<uint32_t*>(scratch);
  auto* widened_b = block + kBlockWords<P>;
  auto* widened_a = reinterpret_cast<float*>(widened_b + kCols<P> * P::kDepth);
  const auto* b = reinterpret_cast<const uint32_t*>(packed);
  for (int64_t depth = 0; depth < depths; ++depth) {
    const Range part = Part<P>(groups, 2 * kChunk, depth, depths);
    const int64_t count = part.end - part.begin;
    const int64_t k0 = part.begin * P::kGroup;
    const int64_t k = s.k - k0 < count * P::kGroup ? s.k - k0 : count * P::kGroup;
    for (int64_t row_block = 0; row_block < row_blocks; ++row_block) {
      const Range rows = Part<P>(row_count, 1, row_block, row_blocks);
      const int64_t i0 = my_rows.begin + rows.begin;
      const Heights<P> heights(rows.end - rows.begin);
      for (int64_t t = 0; t < heights.count; ++t) {
        const Range panel = heights.Of(t);
        PackPanel<P>(a + ((i0 + panel.begin) * s.k + k0) * kElementByte, s.k * kElementByte,
                     panel.end - panel.begin, k, Slot<P>(block, t, count), widened_a);
      }
      for (int64_t j = my_cols.begin; j < my_cols.end; j += kCols<P>) {
        const uint32_t* panel = b + j * groups + part.begin * kCols<P>;
        const auto* next = j + kCols<P> < my_cols.end
                               ? reinterpret_cast<const std::byte*>(panel + kCols<P> * groups)
                               : nullptr;
        if constexpr (P::kWords == 2) {
          WidenPanel<P>(panel, count, widened_b);
          panel = widened_b;
        }
        Multiply<P>(block, heights, count, panel, next, c + i0 * s.n + j, s.n,
                    s.n - j < kCols<P> ? s.n - j : kCols<P>, depth > 0);
      }
    }
  }
}

}  // namespace wattline::kernels::tile
