// The body of the linear layer for many tokens on tiles of matrix instructions (gemm_blocks.h):
// unpacks a panel of weight rows to bf16 once, lays it out as the tile takes it, and runs the tile
// over all tokens. P is a bf16 tile with, besides:
// - Round(from, count, to): f32 to bf16, to nearest even;
// - Turn(src, stride_byte, out): out[w][r] = word w of row r, 16 words of 16 rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/format.h"
#include "kernels/gemm/gemm_blocks.h"
#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels::blocks {

// Columns of W that are unpacked at a time: whole blocks of every format. A panel's 32 KiB stay in
// the first-level cache while the tokens pass.
inline constexpr int64_t kUnpackedCols = 512;

template <class P>
inline constexpr int64_t kStepElements = P::kStepByte / P::kElementByte;

// Whether x.panel has room for the tokens in P's order: rounded up to kRows, and whole steps.
// PanelByte rounds them up to 16 and has twice the bytes of bf16.
template <class P>
constexpr bool FitsPanel(int64_t cols) {
  static_assert(P::kRows <= 32 && P::kElementByte == 2);
  return cols % kStepElements<P> == 0;
}

// x.panel: panels of kRows tokens, each over all columns, in bf16.
template <class P>
void PrepareTokens(Activations& x, Slice slice) {
  const int64_t steps = x.cols / kStepElements<P>;
  const Range share = Share(x.tokens, P::kRows, slice);
  for (int64_t t0 = share.begin; t0 < share.end; t0 += P::kRows) {
    std::byte* panel = x.panel + t0 * steps * P::kStepByte;
    for (int64_t s = 0; s < steps; ++s) {
      for (int64_t r = 0; r < P::kRows; ++r, panel += P::kStepByte) {
        if (t0 + r >= x.tokens) {
          std::memset(panel, 0, P::kStepByte);
          continue;
        }
        uint16_t rounded[kStepElements<P>];
        P::Round(x.f32 + (t0 + r) * x.cols + s * kStepElements<P>, kStepElements<P>, rounded);
        std::memcpy(panel, rounded, P::kStepByte);
      }
    }
  }
}

// A panel as the tile takes it, and its rows before that.
template <class P>
constexpr int64_t LinearScratchByte() {
  return P::kCols * kUnpackedCols * P::kElementByte * 2;
}

// The slice's share of the rows of W, each unpacked once and met by all tokens. Blocks of columns
// outermost, so that the tokens' block stays in the second-level cache while W passes.
template <class P>
void Linear(const LinearArgs& args, Slice slice,
            void (*dequant)(Format, const std::byte*, int64_t, uint16_t*)) {
  const Matrix& w = args.w;
  const int64_t row_byte = RowByte(w.format, w.cols);
  const int64_t all_steps = w.cols / kStepElements<P>;
  const Range share = Share(w.rows, P::kCols, slice);
  std::byte* packed = args.scratch;
  auto* rows = reinterpret_cast<uint16_t*>(packed + P::kCols * kUnpackedCols * P::kElementByte);
  P::Begin();
  for (int64_t k0 = 0; k0 < w.cols; k0 += kUnpackedCols) {
    const int64_t k = w.cols - k0 < kUnpackedCols ? w.cols - k0 : kUnpackedCols;
    const int64_t steps = k / kStepElements<P>;
    for (int64_t j = share.begin; j < share.end; j += P::kCols) {
      const int64_t count = share.end - j < P::kCols ? share.end - j : P::kCols;
      for (int64_t r = 0; r < P::kCols; ++r) {
        uint16_t* row = rows + r * kUnpackedCols;
        if (r < count) {
          dequant(w.format, w.data + (j + r) * row_byte + RowByte(w.format, k0), k, row);
        } else {
          std::memset(row, 0, static_cast<size_t>(k) * sizeof(*row));
        }
      }
      auto* to = reinterpret_cast<uint32_t*>(packed);
      for (int64_t s = 0; s < steps; ++s) {
        for (int64_t r = 0; r < P::kCols; r += 16, to += 16 * 16) {
          P::Turn(reinterpret_cast<const std::byte*>(rows + r * kUnpackedCols) + s * P::kStepByte,
                  kUnpackedCols * P::kElementByte, to);
        }
      }
      Block<P>(args.x->panel + k0 * P::kElementByte * P::kRows, all_steps, packed, steps, steps,
               args.x->tokens, count, args.y + j, args.y_stride, k0 > 0);
    }
  }
  P::End();
}

}  // namespace wattline::kernels::blocks
