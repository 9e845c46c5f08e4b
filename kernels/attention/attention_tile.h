// Attention of many queries, bound by arithmetic: blocks of queries against tiles of the cache. K
// (transposed) and V of a tile are widened to f32 once for all queries of the block and group; then
// panels of 6 query rows run scores, softmax and values one after the other, their scores staying
// in the first-level cache.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_softmax.h"

namespace wattline::kernels::attention_cpu {

template <class S>
class Tile {
 public:
  static void Run(const AttentionArgs& args, Slice slice) {
    const Scratch scratch = ScratchOf(args, slice.index);
    for (int64_t turn = 0;; ++turn) {
      const TileUnit unit = TileUnitOf(args.shape, turn, slice);
      if (unit.tokens.begin == unit.tokens.end) return;
      Block(args, unit, scratch);
    }
  }

 private:
  // 6 x 4 sums of 32 registers, 6 x 2 of 16: the rest holds a row of B and the broadcast of A.
  static constexpr int kVectors = S::kRegisters == 32 ? 4 : 2;

  struct Scratch {
    float* q;       // [rows, head_dim], contiguous
    float* out;     // [rows, head_dim]
    Stats max;      // [panels, kStatFloats]
    Stats sum;      // [panels, kStatFloats]
    float* k;       // [head_dim, kTilePositions]
    float* v;       // [kTilePositions, head_dim]
    float* scores;  // [kTilePanel, kTilePositions]
  };

  static Scratch ScratchOf(const AttentionArgs& args, int64_t slice) {
    const AttentionShape& s = args.shape;
    const int64_t rows = TileBlockRows(s);
    const int64_t stats = (rows + kTilePanel - 1) / kTilePanel * kStatFloats;
    float* q = reinterpret_cast<float*>(args.scratch) + slice * TileScratchFloats(s);
    float* out = q + rows * s.head_dim;
    float* max = out + rows * s.head_dim;
    float* k = max + 2 * stats;
    float* v = k + kTilePositions * s.head_dim;
    return {q, out, max, max + stats, k, v, v + kTilePositions * s.head_dim};
  }

  static void Block(const AttentionArgs& args, TileUnit unit, const Scratch& t) {
    const AttentionShape& s = args.shape;
    const int64_t rows = (unit.tokens.end - unit.tokens.begin) * (s.heads / s.kv_heads);
    Start(args, unit, rows, t);
    const int64_t end = AttentionVisible(s, unit.tokens.end - 1);
    for (int64_t begin = 0; begin < end; begin += kTilePositions) {
      const Range tile = {begin, Smaller(begin + kTilePositions, end)};
      const int64_t at = (unit.kv_head * args.capacity + begin) * s.head_dim;
      WidenK(args.k + at, tile.end - tile.begin, s.head_dim, t.k);
      WidenV(args.v + at, (tile.end - tile.begin) * s.head_dim, t.v);
      for (int64_t row = 0; row < rows; row += kTilePanel) {
        switch (Smaller(rows - row, kTilePanel)) {
          case 1:
            Panel<1>(s, unit, tile, row, t);
            break;
          case 2:
            Panel<2>(s, unit, tile, row, t);
            break;
          case 3:
            Panel<3>(s, unit, tile, row, t);
            break;
          case 4:
            Panel<4>(s, unit, tile, row, t);
            break;
          case 5:
            Panel<5>(s, unit, tile, row, t);
            break;
          default:
            Panel<6>(s, unit, tile, row, t);
            break;
        }
      }
    }
    for (int64_t row = 0; row < rows; ++row) {
      Normalise<S>(t.out + row * s.head_dim, t.sum[StatOf(row)], s.head_dim,
                   args.out + Offset(s, unit, row));
    }
  }

  // Of row `row` in max and sum.
  static int64_t StatOf(int64_t row) { return row / kTilePanel * kStatFloats + row % kTilePanel; }

  // Of row `row` of the unit (token slowest, then head of the group) in q and out.
  static int64_t Offset(const AttentionShape& s, const TileUnit& unit, int64_t row) {
    const int64_t group = s.heads / s.kv_heads;
    const int64_t token = unit.tokens.begin + row / group;
    return (token * s.heads + unit.kv_head * group + row % group) * s.head_dim;
  }

  static void Start(const AttentionArgs& args, const TileUnit& unit, int64_t rows,
                    const Scratch& t) {
    const AttentionShape& s = args.shape;
    for (int64_t row = 0; row < rows; ++row) {
      const float* q = args.q + Offset(s, unit, row);
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        S::Store(t.q + row * s.head_dim + d, S::Load(q + d));
        S::Store(t.out + row * s.head_dim + d, S::Zero());
      }
    }
    for (int64_t row = 0; row < rows; row += kTilePanel) {
      StartStats<S>(t.max + StatOf(row), t.sum + StatOf(row));
    }
  }

  // k: f16 [count, head_dim]; out: [head_dim, kTilePositions], 0 from `count` to the next vector.
  static void WidenK(const uint16_t* k, int64_t count, int64_t head_dim, float* out) {
    for (int64_t p = 0; p < count; p += S::kLanes) {
      for (int64_t d = 0; d < head_dim; d += S::kLanes) {
        typename S::F32 square[S::kLanes];
        for (int i = 0; i < S::kLanes; ++i) {
          square[i] = p + i < count ? S::LoadF16(k + (p + i) * head_dim + d) : S::Zero();
        }
        S::Transpose(square);
        for (int i = 0; i < S::kLanes; ++i) S::Store(out + (d + i) * kTilePositions + p, square[i]);
      }
    }
  }

  static void WidenV(const uint16_t* v, int64_t count, float* out) {
    for (int64_t i = 0; i < count; i += S::kLanes) S::Store(out + i, S::LoadF16(v + i));
  }

  // kPanel query rows from `first` of the unit against one tile.
  template <int kPanel>
  static void Panel(const AttentionShape& s, const TileUnit& unit, Range tile, int64_t first,
                    const Scratch& t) {
    const int64_t group = s.heads / s.kv_heads;
    const auto seen = [&](int64_t row) {
      const int64_t visible = AttentionVisible(s, unit.tokens.begin + row / group);
      return Smaller(visible, tile.end) - tile.begin;
    };
    // Later rows see no less than earlier ones; what none of them sees is not computed.
    const int64_t count = seen(first + kPanel - 1);
    if (count <= 0) return;
    const int64_t vectors = (count + S::kLanes - 1) / S::kLanes;
    Product<kPanel, false>(t.q + first * s.head_dim, s.head_dim, t.k, kTilePositions, s.head_dim,
                           vectors, nullptr, t.scores, kTilePositions);
    const float scale = 1.44269504f / __builtin_sqrtf(static_cast<float>(s.head_dim));
    int64_t rows_see[kPanel];
    for (int r = 0; r < kPanel; ++r) rows_see[r] = Larger(seen(first + r), 0);
    float factor[kStatFloats];
    SoftmaxStep<S, kPanel>(t.scores, rows_see, vectors * S::kLanes, scale, t.max + StatOf(first),
                           t.sum + StatOf(first), factor);
    Product<kPanel, true>(t.scores, kTilePositions, t.v, s.head_dim, count, s.head_dim / S::kLanes,
                          factor, t.out + first * s.head_dim, s.head_dim);
  }

  // c[kPanel, vectors] = (kKeep ? factor[row] * c : 0) + a[kPanel, depth] b[depth, vectors].
  template <int kPanel, bool kKeep>
  static void Product(const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                      int64_t depth, int64_t vectors, const float* factor, float* c,
                      int64_t c_stride) {
    int64_t j = 0;
    for (; j + kVectors <= vectors; j += kVectors) {
      Columns<kPanel, kVectors, kKeep>(a, a_stride, b + j * S::kLanes, b_stride, depth, factor,
                                       c + j * S::kLanes, c_stride);
    }
    b += j * S::kLanes;
    c += j * S::kLanes;
    switch (vectors - j) {
      case 1:
        Columns<kPanel, 1, kKeep>(a, a_stride, b, b_stride, depth, factor, c, c_stride);
        break;
      case 2:
        if constexpr (kVectors > 2) {
          Columns<kPanel, 2, kKeep>(a, a_stride, b, b_stride, depth, factor, c, c_stride);
        }
        break;
      case 3:
        if constexpr (kVectors > 2) {
          Columns<kPanel, 3, kKeep>(a, a_stride, b, b_stride, depth, factor, c, c_stride);
        }
        break;
      default:
        break;
    }
  }

  template <int kPanel, int kWidth, bool kKeep>
  static void Columns(const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                      int64_t depth, const float* factor, float* c, int64_t c_stride) {
    typename S::F32 sum[kPanel][kWidth];
    for (int r = 0; r < kPanel; ++r) {
      for (int j = 0; j < kWidth; ++j) {
        if constexpr (kKeep) {
          sum[r][j] = S::Mul(S::Load(c + r * c_stride + j * S::kLanes), S::Set1(factor[r]));
        } else {
          sum[r][j] = S::Zero();
        }
      }
    }
    for (int64_t i = 0; i < depth; ++i) {
      typename S::F32 row[kWidth];
      for (int j = 0; j < kWidth; ++j) row[j] = S::Load(b + i * b_stride + j * S::kLanes);
      for (int r = 0; r < kPanel; ++r) {
        const auto factor_a = S::Set1(a[r * a_stride + i]);
        for (int j = 0; j < kWidth; ++j) sum[r][j] = S::Fma(factor_a, row[j], sum[r][j]);
      }
    }
    for (int r = 0; r < kPanel; ++r) {
      for (int j = 0; j < kWidth; ++j) S::Store(c + r * c_stride + j * S::kLanes, sum[r][j]);
    }
  }
};

}  // namespace wattline::kernels::attention_cpu
