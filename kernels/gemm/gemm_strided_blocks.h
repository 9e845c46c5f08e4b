// The body of GEMM on unpacked operands (gemm_strided.h) in bf16 for tiles made of matrix
// instructions: as gemm_strided_tile.h, panels of B are packed where they are used. P is a bf16
// tile as gemm_blocks.h describes it, whose panels hold 16 words of two bf16 by 16 rows or columns
// (tile_amx.h), with besides
// - Turn(src, stride_byte, out): out[w][r] = word w of row r, 16 words of 16 rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_strided.h"
#include "kernels/slice.h"

namespace wattline::kernels::blocks {

template <class P>
class Strided {
 public:
  // Packed rows of A and one panel of B: 512 and 64 KiB. A panel of B meets 256 rows, so that its
  // packing costs less than they do. Measured on 16 cores of Emerald Rapids, 2026-11-22, tokens
  // 512: a bf16 step takes 1.35 (llama-3.2-1b) and 1.43 times (bert-base) its parts, whose B is
  // packed in advance; 4.5 and 3.9 on AVX-512's strided GEMM. Threads in one row of the grid pack
  // the same A, those in one column the same B: sharing them would need a meeting of the threads.
  static constexpr int64_t kRowsOfBlock = 256;
  static constexpr int64_t kStepsOfBlock = 32;

  static constexpr int64_t ScratchByte() {
    return (kRowsOfBlock + P::kCols) * kStepsOfBlock * P::kStepByte;
  }

  static void Run(const StridedGemm& g, Slice slice) {
    const GemmShape s = g.shape;
    const int64_t steps = Steps<P>(s.k);
    const Grid grid =
        BestGrid((s.m + P::kRows - 1) / P::kRows, (s.n + P::kCols - 1) / P::kCols, slice.count);
    const Span my_rows = Cut({0, s.m}, P::kRows, slice.index / grid.cols, grid.rows);
    const Span my_cols = Cut({0, s.n}, P::kCols, slice.index % grid.cols, grid.cols);
    const int64_t row_blocks = Parts(my_rows, kRowsOfBlock);
    const int64_t depths = Parts({0, steps}, kStepsOfBlock);
    P::Begin();
    for (int64_t depth = 0; depth < depths; ++depth) {
      const Span part = Cut({0, steps}, 1, depth, depths);
      for (int64_t block = 0; block < row_blocks; ++block) {
        Block(g, Cut(my_rows, P::kRows, block, row_blocks), my_cols, part, g.add || depth > 0);
      }
    }
    P::End();
  }

 private:
  static constexpr int64_t kWords = 16;          // of a tile's row
  static constexpr int64_t kDepth = 2 * kWords;  // elements of k in a step
  static constexpr int64_t kTileByte = 64 * kWords;
  static_assert(P::kElementByte == 2 && P::kStepByte == 64 && P::kRows == 32 && P::kCols == 32);

  static void Block(const StridedGemm& g, Span rows, Span cols, Span part, bool add) {
    const int64_t steps = part.end - part.begin;
    std::byte* const a = g.scratch;
    std::byte* const b = a + kRowsOfBlock * kStepsOfBlock * P::kStepByte;
    for (int64_t i = rows.begin; i < rows.end; i += P::kRows) {
      const int64_t count = Fit(rows.end - i, P::kRows);
      std::byte* to = a + (i - rows.begin) * steps * P::kStepByte;
      if (g.a_by_k) {
        ByDepth(g.a, g.shape.m, i, count, g.shape.k, part, to, true);
      } else {
        Rows(g.a, g.shape.k, i, count, part, to);
      }
    }
    for (int64_t j = cols.begin; j < cols.end; j += P::kCols) {
      const int64_t wide = Fit(cols.end - j, P::kCols);
      if (g.b_by_k) {
        ByDepth(g.b, g.shape.n, j, wide, g.shape.k, part, b, false);
      } else {
        Columns(g.b, g.shape.k, j, wide, part, b);
      }
      for (int64_t i = rows.begin; i < rows.end; i += P::kRows) {
        const std::byte* a_panel = a + (i - rows.begin) * steps * P::kStepByte;
        float* const c = g.c + i * g.shape.n + j;
        const int64_t high = Fit(rows.end - i, P::kRows);
        if (high == P::kRows && wide == P::kCols) {
          P::Kernel(a_panel, b, steps, c, g.shape.n, add, b);
        } else {
          Edge<P>(a_panel, b, steps, c, g.shape.n, high, wide, add, b);
        }
      }
    }
  }

  static int64_t Fit(int64_t left, int64_t most) { return left < most ? left : most; }

  // A's rows [m, k]: as they are, step by step.
  static void Rows(const void* from, int64_t k, int64_t i, int64_t count, Span part,
                   std::byte* to) {
    const auto* at = static_cast<const std::byte*>(from) + (i * k + part.begin * kDepth) * 2;
    PackPanel<P>(at, k * 2, count,
                 Fit(k - part.begin * kDepth, (part.end - part.begin) * kDepth) * 2, to);
  }

  // B's columns [n, k]: 16 of them and 32 elements are turned at a time.
  static void Columns(const void* from, int64_t k, int64_t j, int64_t count, Span part,
                      std::byte* to) {
    for (int64_t step = part.begin; step < part.end; ++step) {
      for (int64_t half = 0; half < 2; ++half, to += kTileByte) {
        const int64_t cols = Fit(count - half * 16, 16), depth = Fit(k - step * kDepth, kDepth);
        auto* out = reinterpret_cast<uint32_t*>(to);
        if (cols <= 0) {
          std::memset(to, 0, kTileByte);
          continue;
        }
        const std::byte* at =
            static_cast<const std::byte*>(from) + ((j + half * 16) * k + step * kDepth) * 2;
        if (cols == 16 && depth == kDepth) {
          P::Turn(at, k * 2, out);
          continue;
        }
        alignas(64) std::byte some[kTileByte] = {};
        for (int64_t c = 0; c < cols; ++c) {
          std::memcpy(some + c * 64, at + c * k * 2, static_cast<size_t>(depth) * 2);
        }
        P::Turn(some, 64, out);
      }
    }
  }

  // Either operand lying [k, width], from element `first` of each row on: pairs of rows become
  // words, as a tile takes B; A is turned.
  static void ByDepth(const void* from, int64_t width, int64_t first, int64_t count, int64_t k,
                      Span part, std::byte* to, bool turn) {
    for (int64_t step = part.begin; step < part.end; ++step) {
      const int64_t depth = Fit(k - step * kDepth, kDepth);
      for (int64_t half = 0; half < 2; ++half, to += kTileByte) {
        const uint16_t* at =
            static_cast<const uint16_t*>(from) + step * kDepth * width + first + half * 16;
        alignas(64) uint32_t words[kWords * 16];
        uint32_t* const pairs = turn ? words : reinterpret_cast<uint32_t*>(to);
        const int64_t some = Fit(count - half * 16, 16);
        if (some == 16 && depth == kDepth) {
          for (int64_t pair = 0; pair < kWords; ++pair, at += 2 * width) {
            for (int64_t i = 0; i < 16; ++i) {
              pairs[pair * 16 + i] = Pair(at[i], at[width + i]);
            }
          }
        } else {
          for (int64_t i = 0; i < kWords * 16; ++i) pairs[i] = 0;
          for (int64_t row = 0; row < depth; row += 2) {
            for (int64_t i = 0; i < some; ++i) {
              const uint16_t* of = at + row * width + i;
              pairs[row / 2 * 16 + i] = Pair(*of, row + 1 < depth ? of[width] : uint16_t{0});
            }
          }
        }
        if (turn) {
          P::Turn(reinterpret_cast<const std::byte*>(words), 64, reinterpret_cast<uint32_t*>(to));
        }
      }
    }
  }

  static uint32_t Pair(uint16_t low, uint16_t high) {
    return static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
  }
};

}  // namespace wattline::kernels::blocks
