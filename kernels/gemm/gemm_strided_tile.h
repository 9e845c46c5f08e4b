// The body of GEMM on unpacked operands (gemm_strided.h), shared by the instruction sets: panels of
// B are packed where they are used, into the first-level cache, so that a weight is read from
// memory once and written nowhere. P is a register tile as gemm_tile.h describes it, with kWords 1
// and Out float; E is the operands' element. A tile of f32 takes bf16 too, widened on packing.
//
// Packing ahead of the product would read, allocate and write 200 MB in f32 for a weight of 8192 x
// 2048: by count, not measured, 10 ms at 20 GB/s beside 40 ms of products with 256 tokens.
// What packing here costs: 7 to 14 % of a product whose B is packed in advance (f32, one thread of
// Emerald Rapids, shapes of llama-3.2-1b, 2026-11-21).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/gemm/gemm_body.h"
#include "kernels/gemm/gemm_strided.h"
#include "kernels/gemm/gemm_tile.h"

namespace wattline::kernels::tile {

// What a tile fetches into the second level for the next panel of B: `count` times a line at `line`
// and one `second` bytes behind it, each `step` bytes from the last.
struct Ahead {
  const std::byte* line = nullptr;
  int64_t second = 0;
  int64_t step = 0;
  int64_t count = 0;
};
inline constexpr int64_t kLineByte = 64;

template <class P, class E>
class Strided {
 public:
  static constexpr int64_t kElementByte = sizeof(E);
  static constexpr int64_t kWide = kCols<P> > P::kRows ? kCols<P> : P::kRows;

  static constexpr int64_t ScratchByte() {
    return 4 * (kBlockWords<P> + 2 * P::kDepth * kWide + P::kDepth * P::kRowUnit);
  }

  static void Run(const StridedGemm& g, Slice slice) {
    const GemmShape s = g.shape;
    const auto [my_rows, my_cols] = GemmShare(s, kCols<P>, slice);
    const int64_t groups = (s.k + P::kGroup - 1) / P::kGroup;
    const int64_t depths = (groups + P::kDepth - 1) / P::kDepth;
    const int64_t row_count = my_rows.end - my_rows.begin;
    const int64_t row_blocks = (row_count + P::kBlockRows - 1) / P::kBlockRows;
    auto* a = reinterpret_cast<uint32_t*>(g.scratch);
    auto* b = a + kBlockWords<P>;
    auto* wide = b + P::kDepth * kWide;
    for (int64_t i = 0; i < depths; ++i) {
      const Range part = Part<P>(groups, 2 * kChunk, i, depths);
      const int64_t k_end = part.end * P::kGroup;
      const Range depth = {part.begin * P::kGroup, k_end < s.k ? k_end : s.k};
      for (int64_t row_block = 0; row_block < row_blocks; ++row_block) {
        const Range some = Part<P>(row_count, 1, row_block, row_blocks);
        const Range rows = {my_rows.begin + some.begin, my_rows.begin + some.end};
        PackA(g, rows, depth, a, wide);
        Columns(g, rows, my_cols, depth, a, b, wide, g.add || i > 0);
      }
    }
  }

 private:
  static int64_t Groups(Range depth) {
    return (depth.end - depth.begin + P::kGroup - 1) / P::kGroup;
  }

  static void PackA(const StridedGemm& g, Range rows, Range depth, uint32_t* a, uint32_t* wide) {
    const Heights<P> heights(rows.end - rows.begin);
    for (int64_t t = 0; t < heights.count; ++t) {
      const Range panel = heights.Of(t);
      const int64_t i = rows.begin + panel.begin;
      const int64_t count = panel.end - panel.begin;
      uint32_t* out = Slot<P>(a, t, Groups(depth));
      const auto* from = static_cast<const E*>(g.a);
      if (!g.a_by_k) {
        Across(from + i * g.shape.k + depth.begin, g.shape.k, count, depth, out,
               RowStride<P>(count), wide);
      } else if (count == P::kRows) {
        ByDepth<P::kRows>(from + depth.begin * g.shape.m + i, g.shape.m, count, depth, out,
                          RowStride<P>(P::kRows));
      } else {
        ByDepth<0>(from + depth.begin * g.shape.m + i, g.shape.m, count, depth, out,
                   RowStride<P>(count));
      }
    }
  }

  static void PackB(const StridedGemm& g, int64_t j, int64_t count, Range depth, uint32_t* b,
                    uint32_t* wide) {
    const auto* from = static_cast<const E*>(g.b);
    if (!g.b_by_k) {
      Across(from + j * g.shape.k + depth.begin, g.shape.k, count, depth, b, kCols<P>, wide);
    } else if (count == kCols<P>) {
      ByDepth<kCols<P>>(from + depth.begin * g.shape.n + j, g.shape.n, count, depth, b, kCols<P>);
    } else {
      ByDepth<0>(from + depth.begin * g.shape.n + j, g.shape.n, count, depth, b, kCols<P>);
    }
  }

  static uint32_t Word(float x) {
    uint32_t word;
    std::memcpy(&word, &x, 4);
    return word;
  }
  static uint32_t Word(uint16_t bf16) { return static_cast<uint32_t>(bf16) << 16; }

  // from: [depth, count], rows `stride` elements apart, as A and B want them. kCount: count where
  // it is known to the compiler, else 0.
  template <int64_t kCount>
  static void ByDepth(const E* from, int64_t stride, int64_t count, Range depth, uint32_t* out,
                      int64_t out_stride) {
    const int64_t n = kCount > 0 ? kCount : count;
    const int64_t k = depth.end - depth.begin;
    if constexpr (P::kGroup == 1) {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t i = 0; i < n; ++i) out[p * out_stride + i] = Word(from[p * stride + i]);
      }
    } else {
      for (int64_t p = 0; p < k; p += 2) {
        const E* low = from + p * stride;
        uint32_t* words = out + p / 2 * out_stride;
        if (p + 1 < k) {
          for (int64_t i = 0; i < n; ++i) {
            words[i] = static_cast<uint32_t>(low[i]) | static_cast<uint32_t>(low[stride + i]) << 16;
          }
        } else {
          for (int64_t i = 0; i < n; ++i) words[i] = low[i];
        }
      }
    }
  }

  // from: [count, depth], rows `stride` elements apart: turned.
  static void Across(const E* from, int64_t stride, int64_t count, Range depth, uint32_t* out,
                     int64_t out_stride, uint32_t* wide) {
    const int64_t k = depth.end - depth.begin;
    const int64_t elements_of_word = P::kGroup;
    const int64_t whole = k / elements_of_word;
    if constexpr (P::kGroup == 1 && std::is_same_v<E, uint16_t>) {
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t p = 0; p < k; ++p) wide[r * k + p] = Word(from[r * stride + p]);
      }
      TransposeWords<P>(reinterpret_cast<const std::byte*>(wide), k * 4, count, k, out, out_stride);
    } else {
      TransposeWords<P>(reinterpret_cast<const std::byte*>(from),
                        stride * static_cast<int64_t>(sizeof(E)), count, whole, out, out_stride);
      if (whole * elements_of_word == k) return;
      for (int64_t r = 0; r < count; ++r) {
        out[whole * out_stride + r] = static_cast<uint32_t>(from[r * stride + k - 1]);
      }
    }
  }

  // The share `part` of `parts` of the lines of the panel at column j; nothing from `end` on. By
  // depth, a row of the panel is two lines or less; across it, a tile takes whole rows, two at
  // most.
  static Ahead Next(const StridedGemm& g, int64_t j, int64_t end, Range depth, int64_t part,
                    int64_t parts) {
    if (j >= end) return {static_cast<const std::byte*>(g.b), 0, 0, 0};
    const int64_t k = depth.end - depth.begin;
    const int64_t row_byte = (g.b_by_k ? g.shape.n : g.shape.k) * kElementByte;
    const auto* from = static_cast<const std::byte*>(g.b);
    const int64_t rows = g.b_by_k ? k : end - j < kCols<P> ? end - j : kCols<P>;
    const int64_t first = rows * part / parts;
    const int64_t count = rows * (part + 1) / parts - first;
    if (g.b_by_k) {
      return {from + (depth.begin + first) * row_byte + j * kElementByte,
              (kCols<P> - 1) * kElementByte, row_byte, count};
    }
    return {from + (j + first) * row_byte + depth.begin * kElementByte, count > 1 ? row_byte : 0,
            kLineByte, count > 0 ? k * kElementByte / kLineByte : 0};
  }

  static void Columns(const StridedGemm& g, Range rows, Range cols, Range depth, uint32_t* a,
                      uint32_t* b, uint32_t* wide, bool add) {
    const int64_t groups = Groups(depth);
    const Heights<P> heights(rows.end - rows.begin);
    for (int64_t j = cols.begin; j < cols.end; j += kCols<P>) {
      const int64_t count = cols.end - j < kCols<P> ? cols.end - j : kCols<P>;
      PackB(g, j, count, depth, b, wide);
      for (int64_t t = 0; t < heights.count; ++t) {
        const Range panel = heights.Of(t);
        TileOfRows(panel.end - panel.begin)(
            Slot<P>(a, t, groups), b, groups, g.c + (rows.begin + panel.begin) * g.shape.n + j,
            g.shape.n, count, add, Next(g, j + kCols<P>, cols.end, depth, t, heights.count));
      }
    }
  }

  // c[R, cols] (+)= a b over `groups`. Fetches its own part of C, which is first touched after the
  // loop, and lines of the next panel of B, a few in each chunk of groups: all at once they would
  // hold the loads back.
  template <int R>
  [[gnu::noinline]] static void OneTile(const uint32_t* a, const uint32_t* b, int64_t groups,
                                        float* c, int64_t c_stride, int64_t cols, bool add,
                                        Ahead ahead) {
    typename P::Vector sum[R][P::kVectors];
    Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) { sum[I][J] = P::Zero(); });
    });
    const float* c_row = c;
    const float* const c_last = c + (R - 1) * c_stride;
    const std::byte* line = ahead.line;
    const std::byte* const line_end = ahead.line + ahead.count * ahead.step;
    int64_t g = 0;
    for (; g + kChunk <= groups; g += kChunk) {
      __builtin_prefetch(c_row, 1);
      __builtin_prefetch(c_row + kCols<P> - 1, 1);
      c_row = c_row == c_last ? c_row : c_row + c_stride;
      __builtin_prefetch(line, 0, 2);
      __builtin_prefetch(line + ahead.second, 0, 2);
      line = line == line_end ? line : line + ahead.step;
      for (int64_t word = 0; word < kChunk * RowStride<P>(R); word += 16) {
        __builtin_prefetch(a + word + 128, 0, 3);
      }
      Unroll<kChunk>([&]<int I>() __attribute__((always_inline)) {
        P::template Step<R>(sum, a + I * RowStride<P>(R), b + I * kCols<P>);
      });
      a += kChunk * RowStride<P>(R);
      b += kChunk * kCols<P>;
    }
    for (; g < groups; ++g) {
      P::template Step<R>(sum, a, b);
      a += RowStride<P>(R);
      b += kCols<P>;
    }
    if (cols == kCols<P>) {
      Unroll<R>([&]<int I>() __attribute__((always_inline)) {
        Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) {
          float* to = c + I * c_stride + J * P::kLanes;
          P::Store(to, add ? P::Add(P::Load(to), sum[I][J]) : sum[I][J]);
        });
      });
      return;
    }
    float spilled[R * kCols<P>];
    Unroll<R>([&]<int I>() __attribute__((always_inline)) {
      Unroll<P::kVectors>([&]<int J>() __attribute__((always_inline)) {
        P::Store(spilled + I * kCols<P> + J * P::kLanes, sum[I][J]);
      });
    });
    for (int64_t i = 0; i < R; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        float* to = c + i * c_stride + j;
        *to = add ? *to + spilled[i * kCols<P> + j] : spilled[i * kCols<P> + j];
      }
    }
  }

  using TileOf = void (*)(const uint32_t*, const uint32_t*, int64_t, float*, int64_t, int64_t, bool,
                          Ahead);
  template <int... R>
  static constexpr auto TilesOf(std::integer_sequence<int, R...>) {
    struct Table {
      TileOf of[sizeof...(R)];
    };
    return Table{{OneTile<R + 1>...}};
  }
  static TileOf TileOfRows(int64_t rows) {
    static constexpr auto kTiles = TilesOf(std::make_integer_sequence<int, P::kRows>{});
    return kTiles.of[rows - 1];
  }
};

}  // namespace wattline::kernels::tile
