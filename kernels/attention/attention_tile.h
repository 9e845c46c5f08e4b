// Attention of many queries, bound by arithmetic: blocks of queries against tiles of the cache,
// widened to f32 once for all queries of the block and group. A block is worked on in panels of a
// few vectors whose lanes are its query rows: scores[position, row] = K Q^T and
// out[head_dim, row] = V^T weights take K and V as they lie, and the softmax needs no sums over
// lanes.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_kv.h"
#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_softmax.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels::attention_cpu {

template <class S>
class Tile {
 public:
  static void Run(const AttentionArgs& args, Slice slice) {
    const Scratch scratch = ScratchOf(args, slice.index);
    for (int64_t turn = 0;; ++turn) {
      const TileUnit unit = TileUnitOf(args.shape, turn, slice);
      if (unit.tokens.begin == unit.tokens.end) return;
      WithKv<S>(args.format, [&](auto kv) { Block<decltype(kv)>(args, unit, scratch); });
    }
  }

 private:
  using F32 = typename S::F32;
  // Vectors of rows in a panel: 6 x 4 sums of 32 registers, 6 x 2 of 16; the rest holds a row of
  // the panel and what is spread over it.
  static constexpr int kVectors = S::kRegisters == 32 ? 4 : 2;
  static constexpr int64_t kRows = kVectors * S::kLanes;
  static_assert(kTileRowGrain % kRows == 0);

  // Sums over the lanes' rows kept in registers, by the number of vectors in use.
  template <int kWidth>
  static constexpr int kSums = kWidth == 4     ? 6
                               : kWidth == 3   ? 8
                               : kVectors == 4 ? 12
                                               : 12 / kWidth;

  struct Scratch {
    float* q;         // [panels, head_dim, kRows]
    float* out;       // [panels, head_dim, kRows]
    float* max;       // [panels, kRows]
    float* sum;       // [panels, kRows]
    float* k;         // [kTilePositions + kTileSpare, head_dim]
    float* v;         // [kTilePositions, head_dim]
    float* scores;    // [kTilePositions + kTileSpare, kRows]
    float* visible;   // [rows], positions that each sees
    int64_t* offset;  // [rows] in q and out: tokens slowest, then heads of the group
    float* scales;    // [head_dim / 32, kTilePositions]
    uint16_t* halves;
  };

  static Scratch ScratchOf(const AttentionArgs& args, int64_t slice) {
    const AttentionShape& s = args.shape;
    const int64_t rows = TileBlockRows(s);
    float* q = reinterpret_cast<float*>(args.scratch) + slice * TileScratchFloats(s);
    float* out = q + rows * s.head_dim;
    float* max = out + rows * s.head_dim;
    float* visible = max + 2 * rows;
    auto* offset = reinterpret_cast<int64_t*>(visible + rows);
    float* k = visible + 3 * rows;
    float* v = k + (kTilePositions + kTileSpare) * s.head_dim;
    float* scores = v + kTilePositions * s.head_dim;
    float* scales = scores + (kTilePositions + kTileSpare) * kRows;
    float* halves = scales + kTilePositions * s.head_dim / 32 + kSplitRowGrain;
    return {q,
            out,
            max,
            max + rows,
            k,
            v,
            scores,
            visible,
            offset,
            scales,
            reinterpret_cast<uint16_t*>(halves)};
  }

  // One panel of a unit, and what its rows see of a tile.
  struct Panel {
    float* q;
    float* out;
    float* max;
    float* sum;
    const float* visible;  // positions from `begin` on are the tile's
    float begin;
    int vectors;
    // Positions of the tile that the first and the last row of each vector see; the first row of
    // the panel sees the fewest.
    int64_t least[kVectors], most[kVectors];
  };

  template <class Kv>
  static void Block(const AttentionArgs& args, TileUnit unit, const Scratch& t) {
    const AttentionShape& s = args.shape;
    const int64_t rows = (unit.tokens.end - unit.tokens.begin) * (s.heads / s.kv_heads);
    Start(args, unit, rows, t);
    const int64_t end = AttentionVisible(s, unit.tokens.end - 1);
    const int64_t row_byte = Kv::RowByte(s.head_dim);
    for (int64_t begin = 0; begin < end; begin += kTilePositions) {
      const Range tile = {begin, Smaller(begin + kTilePositions, end)};
      const int64_t at = (unit.kv_head * args.capacity + begin) * row_byte;
      Values<Kv>(args.k, at, tile.end - tile.begin, s.head_dim, t, t.k);
      Values<Kv>(args.v, at, tile.end - tile.begin, s.head_dim, t, t.v);
      for (int64_t first = 0; first < rows; first += kRows) {
        Panel panel;
        panel.q = t.q + first * s.head_dim;
        panel.out = t.out + first * s.head_dim;
        panel.max = t.max + first;
        panel.sum = t.sum + first;
        panel.visible = t.visible + first;
        if (See(tile, rows - first, panel)) Work(s.head_dim, panel, t);
      }
    }
    for (int64_t first = 0; first < rows; first += kRows) Finish(args, first, rows, t);
  }

  // out[count, head_dim] = the rows at byte `at` of a cache.
  template <class Kv>
  static void Values(const void* cache, int64_t at, int64_t count, int64_t head_dim,
                     const Scratch& t, float* out) {
    const std::byte* rows = static_cast<const std::byte*>(cache) + at;
    if constexpr (Kv::kBlock != 0) {
      Kv::Scales(rows, count, head_dim, t.halves, t.scales);
    }
    Widen<S, Kv>(rows, t.scales, count, {0, head_dim}, out, head_dim, Kv::RowByte(head_dim));
  }

  // Q by lanes; lanes behind the last row repeat it.
  static void Start(const AttentionArgs& args, const TileUnit& unit, int64_t rows,
                    const Scratch& t) {
    const AttentionShape& s = args.shape;
    const int64_t group = s.heads / s.kv_heads;
    const int64_t padded = (rows + S::kLanes - 1) / S::kLanes * S::kLanes;
    for (int64_t row = 0, token = unit.tokens.begin; token < unit.tokens.end; ++token) {
      const auto visible = static_cast<float>(AttentionVisible(s, token));
      for (int64_t head = 0; head < group; ++head, ++row) {
        t.visible[row] = visible;
        t.offset[row] = (token * s.heads + unit.kv_head * group + head) * s.head_dim;
      }
    }
    for (int64_t row = rows; row < padded; ++row) {
      t.visible[row] = t.visible[rows - 1];
      t.offset[row] = t.offset[rows - 1];
    }
    for (int64_t row = 0; row < padded; row += S::kLanes) {
      float* q = t.q + row / kRows * kRows * s.head_dim + row % kRows;
      const float* from[S::kLanes];
      for (int i = 0; i < S::kLanes; ++i) from[i] = args.q + t.offset[row + i];
      S::Store(t.max + row, S::Set1(kLowest));
      S::Store(t.sum + row, S::Zero());
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        F32 square[S::kLanes];
        S::LoadTransposed(from, d, square);
        for (int i = 0; i < S::kLanes; ++i) S::Store(q + (d + i) * kRows, square[i]);
      }
    }
  }

  static void Finish(const AttentionArgs& args, int64_t first, int64_t rows, const Scratch& t) {
    const AttentionShape& s = args.shape;
    const int64_t end = Smaller(first + kRows, rows);
    for (int64_t row = first; row < end; row += S::kLanes) {
      const float* out = t.out + first * s.head_dim + (row - first);
      const F32 factor = S::Div(S::Set1(1.0f), S::Load(t.sum + row));
      // Lanes behind the last row go to where scores were.
      float* to[S::kLanes];
      for (int i = 0; i < S::kLanes; ++i) {
        to[i] = row + i < end ? args.out + t.offset[row + i] : t.scores;
      }
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        F32 square[S::kLanes];
        for (int i = 0; i < S::kLanes; ++i) {
          square[i] = S::Mul(factor, S::Load(out + (d + i) * kRows));
        }
        S::StoreTransposed(square, to, d);
      }
    }
  }

  // Fills in what the panel's `rows` rows see; false where they see nothing of the tile.
  static bool See(Range tile, int64_t rows, Panel& panel) {
    const auto seen = [&](int64_t row) {
      return Larger(Smaller(static_cast<int64_t>(panel.visible[row]), tile.end) - tile.begin, 0);
    };
    panel.begin = static_cast<float>(tile.begin);
    panel.vectors = static_cast<int>(Smaller((rows + S::kLanes - 1) / S::kLanes, kVectors));
    for (int j = 0; j < panel.vectors; ++j) {
      panel.least[j] = seen(j * S::kLanes);
      panel.most[j] = seen(j * S::kLanes + S::kLanes - 1);
    }
    return panel.most[panel.vectors - 1] > 0;
  }

  static void Work(int64_t head_dim, const Panel& panel, const Scratch& t) {
    const float scale = 1.44269504f / __builtin_sqrtf(static_cast<float>(head_dim));
    switch (panel.vectors) {
      case 1:
        return Step<1>(head_dim, scale, panel, t);
      case 2:
        return Step<2>(head_dim, scale, panel, t);
      case 3:
        if constexpr (kVectors > 2) Step<3>(head_dim, scale, panel, t);
        return;
      default:
        if constexpr (kVectors > 2) Step<4>(head_dim, scale, panel, t);
        return;
    }
  }

  template <int kWidth>
  static void Step(int64_t head_dim, float scale, const Panel& panel, const Scratch& t) {
    for (int64_t p = 0; p < panel.most[kWidth - 1];) {
      p += Scores<kWidth>(head_dim, panel, t.k + p * head_dim, p, t.scores + p * kRows);
    }
    F32 factor[kWidth];
    for (int j = 0; j < kWidth; ++j) factor[j] = Softmax(scale, panel, j, t.scores);
    AddValues<kWidth>(head_dim, panel, factor, t.v, t.scores);
  }

  // Scores of some positions from p on, for those of the last kWidth vectors that see p; returns
  // how many positions.
  template <int kWidth>
  static int64_t Scores(int64_t head_dim, const Panel& panel, const float* k, int64_t p,
                        float* scores) {
    const int from = panel.vectors - kWidth;
    if constexpr (kWidth > 1) {
      if (panel.most[from] <= p) return Scores<kWidth - 1>(head_dim, panel, k, p, scores);
    }
    Product<kWidth>(head_dim, panel.q + from * S::kLanes, k, scores + from * S::kLanes);
    return kSums<kWidth>;
  }

  // scores[kSums, kWidth vectors] = k[kSums, head_dim] q[head_dim, kWidth vectors].
  template <int kWidth>
  [[gnu::noinline]] static void Product(int64_t head_dim, const float* q, const float* k,
                                        float* scores) {
    constexpr int kPositions = kSums<kWidth>;
    F32 sum[kPositions * kWidth];
    Unroll<kPositions * kWidth>([&](auto i) { sum[i.value] = S::Zero(); });
    for (int64_t d = 0; d < head_dim; ++d) {
      F32 row[kWidth];
      Unroll<kWidth>([&](auto j) { row[j.value] = S::Load(q + d * kRows + j.value * S::kLanes); });
      Unroll<kPositions>([&](auto i) {
        const F32 key = S::Set1(k[i.value * head_dim + d]);
        Unroll<kWidth>([&](auto j) {
          sum[i.value * kWidth + j.value] =
              S::Fma(key, row[j.value], sum[i.value * kWidth + j.value]);
        });
      });
    }
    Unroll<kPositions * kWidth>([&](auto i) {
      S::Store(scores + i.value / kWidth * kRows + i.value % kWidth * S::kLanes, sum[i.value]);
    });
  }

  // One vector's scores, to be multiplied by `scale` (which includes log2(e)), become weights
  // 2^(score - max), 0 where a row does not see the position; updates its rows' max and sum.
  // Returns what was summed before is worth now: 2^(old max - new max).
  static F32 Softmax(float scale, const Panel& panel, int j, float* scores) {
    constexpr int kChains = 4;  // of maxima, which take 4 cycles each
    const int at = j * S::kLanes;
    float* column = scores + at;
    const int64_t most = panel.most[j];
    for (int64_t p = panel.least[j]; p < most; ++p) {
      const F32 position = S::Set1(panel.begin + static_cast<float>(p));
      float* score = column + p * kRows;
      S::Store(score, S::SelectLess(position, S::Load(panel.visible + at), S::Load(score),
                                    S::Set1(kLowest)));
    }
    F32 largest[kChains];
    for (F32& x : largest) x = S::Set1(kLowest);
    int64_t p = 0;
    for (; p + kChains <= most; p += kChains) {
      for (int i = 0; i < kChains; ++i) {
        largest[i] = S::Max(largest[i], S::Load(column + (p + i) * kRows));
      }
    }
    for (; p < most; ++p) largest[0] = S::Max(largest[0], S::Load(column + p * kRows));
    const F32 tile_max = S::Max(S::Max(largest[0], largest[1]), S::Max(largest[2], largest[3]));
    const F32 by = S::Set1(scale);
    const F32 before = S::Load(panel.max + at);
    const F32 now = S::Max(before, S::Mul(tile_max, by));
    S::Store(panel.max + at, now);
    // A row that has seen nothing yet keeps a maximum of kLowest * scale or so: no shift of it may
    // lift its lowest scores to a weight of 1.
    const F32 shift = S::Sub(S::Zero(), S::Max(now, S::Set1(-1e30f)));
    F32 sum = S::Zero();
    for (p = 0; p < most; ++p) {
      const F32 weight = Exp2AtLeast<S>(S::Fma(S::Load(column + p * kRows), by, shift));
      S::Store(column + p * kRows, weight);
      sum = S::Add(sum, weight);
    }
    const F32 worth = Exp2AtLeast<S>(S::Sub(before, now));
    S::Store(panel.sum + at, S::Fma(S::Load(panel.sum + at), worth, sum));
    return worth;
  }

  // out[head_dim, kWidth vectors] = out * factor + v^T weights; the first tile sets out.
  template <int kWidth>
  static void AddValues(int64_t head_dim, const Panel& panel, const F32 (&factor)[kWidth],
                        const float* v, const float* weights) {
    int64_t d = 0;
    const auto run = [&]<int kCols>() {
      for (; d + kCols <= head_dim; d += kCols) {
        WeighValues<kWidth, kCols>(head_dim, panel, factor, v + d, weights, panel.out + d * kRows);
      }
    };
    // head_dim is a multiple of 16.
    run.template operator()<kSums<kWidth>>();
    if constexpr (16 % kSums<kWidth> != 0) {
      if constexpr (kSums < kWidth >> 8) run.template operator()<8>();
      run.template operator()<4>();
      run.template operator()<2>();
    }
  }

  // kCols elements of the values, as many positions for each vector as it sees.
  template <int kWidth, int kCols>
  [[gnu::noinline]] static void WeighValues(int64_t head_dim, const Panel& panel,
                                            const F32 (&factor)[kWidth], const float* v,
                                            const float* weights, float* out) {
    F32 sum[kCols * kWidth];
    if (panel.begin == 0) {
      Unroll<kCols * kWidth>([&](auto i) { sum[i.value] = S::Zero(); });
    } else {
      Unroll<kCols * kWidth>([&](auto i) {
        constexpr int kI = i.value / kWidth, kJ = i.value % kWidth;
        sum[i.value] = S::Mul(S::Load(out + kI * kRows + kJ * S::kLanes), factor[kJ]);
      });
    }
    int64_t p = 0;
    Unroll<kWidth>([&](auto first) {
      const int64_t most = panel.most[first.value];
      for (; p < most; ++p) {
        F32 row[kWidth];
        Unroll<kWidth - first.value>([&](auto j) {
          row[j.value] = S::Load(weights + p * kRows + (first.value + j.value) * S::kLanes);
        });
        Unroll<kCols>([&](auto i) {
          const F32 value = S::Set1(v[p * head_dim + i.value]);
          Unroll<kWidth - first.value>([&](auto j) {
            constexpr int kAt = i.value * kWidth + first.value + j.value;
            sum[kAt] = S::Fma(value, row[j.value], sum[kAt]);
          });
        });
      }
    });
    Unroll<kCols * kWidth>([&](auto i) {
      S::Store(out + i.value / kWidth * kRows + i.value % kWidth * S::kLanes, sum[i.value]);
    });
  }
};

}  // namespace wattline::kernels::attention_cpu
