// The body of the linear layer for many tokens, shared by the instruction sets: unpacks a panel of
// weight rows once, then runs GEMM's register tile over all tokens. P is a tile as in gemm_tile.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/format.h"
#include "kernels/gemm/gemm_tile.h"
#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels::panel {

// Columns of W that are unpacked at a time: whole blocks of every format.
template <class P>
inline constexpr int64_t kBlockCols = int64_t{P::kBlockGroups} * P::kGroup;

// The slice's share of `count` units of `unit` items.
static inline Range Part(int64_t items, int64_t unit, Slice slice) {
  const int64_t units = (items + unit - 1) / unit;
  const int64_t begin = units * slice.index / slice.count * unit;
  const int64_t end = units * (slice.index + 1) / slice.count * unit;
  return {begin < items ? begin : items, end < items ? end : items};
}

// x.panel: panels of kRows tokens, each packed over all columns. f32 as it is; where P takes bf16,
// P::Round rounds it.
template <class P>
void Prepare(Activations& x, Slice slice) {
  const int64_t groups = (x.cols + P::kGroup - 1) / P::kGroup;
  const Range share = Part(x.tokens, P::kRows, slice);
  auto* out = reinterpret_cast<uint32_t*>(x.panel);
  for (int64_t t = share.begin; t < share.end; t += P::kRows) {
    const int64_t rows = share.end - t < P::kRows ? share.end - t : P::kRows;
    const float* from = x.f32 + t * x.cols;
    uint32_t* to = out + t * groups;
    if constexpr (P::kGroup == 1) {
      tile::PackPanel<P>(reinterpret_cast<const std::byte*>(from), x.cols * 4, rows, x.cols, to,
                         nullptr);
    } else {
      uint16_t rounded[P::kRows * kBlockCols<P>];
      for (int64_t k0 = 0; k0 < x.cols; k0 += kBlockCols<P>) {
        const int64_t k = x.cols - k0 < kBlockCols<P> ? x.cols - k0 : kBlockCols<P>;
        for (int64_t r = 0; r < rows; ++r) {
          P::Round(from + r * x.cols + k0, k, rounded + r * kBlockCols<P>);
        }
        tile::PackPanel<P>(reinterpret_cast<const std::byte*>(rounded), kBlockCols<P> * 2, rows, k,
                           to + k0 / P::kGroup * tile::RowStride<P>(rows), nullptr);
      }
    }
  }
}

template <class P>
constexpr int64_t ScratchByte() {
  return tile::kCols<P> * P::kBlockGroups * 4 * 2;  // a packed panel, and its rows before packing
}

// The slice's share of the rows of W, each unpacked once and met by all tokens. Blocks of columns
// outermost, so that the tokens' packed block stays in L2 while the panels of W pass. Element is
// float or uint16_t (bf16), as P takes it.
template <class P, class Element>
void Linear(const LinearArgs& args, Slice slice,
            void (*dequant)(Format, const std::byte*, int64_t, Element*)) {
  const Matrix& w = args.w;
  const int64_t row_byte = RowByte(w.format, w.cols);
  const int64_t groups = (w.cols + P::kGroup - 1) / P::kGroup;
  const Range share = Part(w.rows, tile::kCols<P>, slice);
  auto* packed = reinterpret_cast<uint32_t*>(args.scratch);
  auto* rows = reinterpret_cast<Element*>(packed + tile::kCols<P> * P::kBlockGroups);
  const auto* a = reinterpret_cast<const uint32_t*>(args.x->panel);
  for (int64_t k0 = 0; k0 < w.cols; k0 += kBlockCols<P>) {
    const int64_t k = w.cols - k0 < kBlockCols<P> ? w.cols - k0 : kBlockCols<P>;
    const int64_t k_groups = (k + P::kGroup - 1) / P::kGroup;
    const int64_t block_byte = RowByte(w.format, k0);
    for (int64_t j = share.begin; j < share.end; j += tile::kCols<P>) {
      const int64_t count = share.end - j < tile::kCols<P> ? share.end - j : tile::kCols<P>;
      if (count < tile::kCols<P>) {
        std::memset(packed, 0, static_cast<size_t>(tile::kCols<P> * k_groups * 4));
      }
      const int64_t stride = k_groups * P::kGroup;
      for (int64_t r = 0; r < count; ++r) {
        Element* row = rows + r * stride;
        dequant(w.format, w.data + (j + r) * row_byte + block_byte, k, row);
        if (k < stride) row[k] = 0;
      }
      tile::TransposeWords<P>(reinterpret_cast<const std::byte*>(rows), k_groups * 4, count,
                              k_groups, packed, tile::kCols<P>);
      tile::Column<P>(a, groups, k0 / P::kGroup, packed, k_groups, args.x->tokens, args.y + j,
                      args.y_stride, count, k0 > 0);
    }
  }
}

}  // namespace wattline::kernels::panel
