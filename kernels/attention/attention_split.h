// Attention of few queries, bound by reading the cache: the threads divide its positions, every
// query of a group meets each tile of K and V while it lies in the first-level cache, so that the
// cache is read from memory once. f16 is widened on the way into registers.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_softmax.h"

namespace wattline::kernels::attention_cpu {

template <class S>
class Split {
 public:
  // The slice's pieces; a head that no other slice shares is finished at once.
  static void Run(const AttentionArgs& args, Slice slice) {
    const AttentionShape& s = args.shape;
    const Range heads = SplitHeads(s, slice);
    for (int64_t kv = heads.begin; kv < heads.end; ++kv) {
      const Range positions = SplitPositions(s, kv, slice);
      if (positions.begin == positions.end) continue;
      const Slot slot = SlotOf(args, kv, slice.index);
      Piece(args, kv, positions, slot);
      if (positions.begin > 0 || positions.end < s.start + s.tokens) continue;
      for (int64_t row = 0; row < Rows(s); ++row) {
        Normalise<S>(slot.out + row * s.head_dim, slot.sum[StatOf(row)], s.head_dim,
                     args.out + Offset(s, kv, row));
      }
    }
  }

  // The slice's share of the rows of heads that several slices shared.
  static void Merge(const AttentionArgs& args, Slice slice) {
    const AttentionShape& s = args.shape;
    const int64_t rows = Rows(s);
    const Range mine = Share(s.kv_heads * rows, 1, slice);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t kv = i / rows;
      const Range slices = SplitSlices(s, kv, slice.count);
      if (slices.end - slices.begin > 1) MergeRow(args, kv, i % rows, slices, slice.count);
    }
  }

 private:
  struct Slot {
    float* out;  // [rows, head_dim]
    Stats max;   // [panels, kStatFloats]
    Stats sum;   // [panels, kStatFloats]
  };

  static int64_t Rows(const AttentionShape& s) { return s.tokens * (s.heads / s.kv_heads); }

  static Slot SlotOf(const AttentionArgs& args, int64_t kv, int64_t slice) {
    const AttentionShape& s = args.shape;
    float* out = reinterpret_cast<float*>(args.scratch) + (kv + slice) * SplitSlotFloats(s);
    Stats max = out + Rows(s) * s.head_dim;
    return {out, max, max + (Rows(s) + kSplitPanel - 1) / kSplitPanel * kStatFloats};
  }

  // Of row `row` in a slot's max and sum.
  static int64_t StatOf(int64_t row) { return row / kSplitPanel * kStatFloats + row % kSplitPanel; }

  // Of row `row` (token slowest, then head of the group) in q and out.
  static int64_t Offset(const AttentionShape& s, int64_t kv, int64_t row) {
    const int64_t group = s.heads / s.kv_heads;
    return (row / group * s.heads + kv * group + row % group) * s.head_dim;
  }

  static void Piece(const AttentionArgs& args, int64_t kv, Range positions, Slot slot) {
    const AttentionShape& s = args.shape;
    const int64_t rows = Rows(s);
    for (int64_t i = 0; i < rows * s.head_dim; i += S::kLanes) S::Store(slot.out + i, S::Zero());
    for (int64_t row = 0; row < rows; row += kSplitPanel) {
      StartStats<S>(slot.max + StatOf(row), slot.sum + StatOf(row));
    }
    for (int64_t begin = positions.begin; begin < positions.end; begin += kTilePositions) {
      const Range tile = {begin, Smaller(begin + kTilePositions, positions.end)};
      for (int64_t row = 0; row < rows; row += kSplitPanel) {
        switch (Smaller(rows - row, kSplitPanel)) {
          case 1:
            RowTile<1>(args, kv, tile, row, slot);
            break;
          case 2:
            RowTile<2>(args, kv, tile, row, slot);
            break;
          case 3:
            RowTile<3>(args, kv, tile, row, slot);
            break;
          default:
            RowTile<4>(args, kv, tile, row, slot);
            break;
        }
      }
    }
  }

  // kRows queries from `first` on against one tile of positions.
  template <int kRows>
  static void RowTile(const AttentionArgs& args, int64_t kv, Range tile, int64_t first, Slot slot) {
    const AttentionShape& s = args.shape;
    const int64_t group = s.heads / s.kv_heads;
    const int64_t at = (kv * args.capacity + tile.begin) * s.head_dim;
    const int64_t count = tile.end - tile.begin;
    const int64_t width = (count + S::kLanes - 1) / S::kLanes * S::kLanes;
    const float* q[kRows];
    for (int r = 0; r < kRows; ++r) q[r] = args.q + Offset(s, kv, first + r);
    float scores[kRows][kTilePositions];
    Scores<kRows>(q, args.k + at, args.v + at, count, s.head_dim, scores);
    const float scale = 1.44269504f / __builtin_sqrtf(static_cast<float>(s.head_dim));
    int64_t seen[kRows];
    for (int r = 0; r < kRows; ++r) {
      const int64_t visible = AttentionVisible(s, (first + r) / group) - tile.begin;
      seen[r] = Larger(Smaller(visible, count), 0);
    }
    float factor[kStatFloats];
    SoftmaxStep<S, kRows>(scores[0], seen, width, scale, slot.max + StatOf(first),
                          slot.sum + StatOf(first), factor);
    AddValues<kRows>(scores, factor, args.v + at, args.k + at + kTilePositions * s.head_dim, count,
                     s.head_dim, slot.out + first * s.head_dim);
  }

  // Positions per step: as many dot products in flight as registers hold.
  template <int kRows>
  static constexpr int kStep = S::kRegisters == 32 || kRows <= 3 ? 4 : 2;

  // scores[r][p] = q[r] . k[p] for p < count; up to kStep - 1 more behind them are arbitrary.
  // Asks for the tile of V at `next` meanwhile, as AddValues does for the next tile of K. Share of
  // a plain read loop's bandwidth with 32/8 heads of 64, AVX-512, 1 core of Emerald Rapids: 77 %;
  // each asking for its own matrix one tile ahead 72 %, no asking 51 %.
  template <int kRows>
  [[gnu::noinline]] static void Scores(const float* const (&q)[kRows], const uint16_t* k,
                                       const uint16_t* next, int64_t count, int64_t head_dim,
                                       float (&scores)[kRows][kTilePositions]) {
    constexpr int kP = kStep<kRows>;
    for (int64_t p = 0; p < count; p += kP) {
      const uint16_t* row[kP];
      for (int j = 0; j < kP; ++j) row[j] = k + Smaller(p + j, count - 1) * head_dim;
      Prefetch(next + p * head_dim, kP * head_dim);
      typename S::F32 sum[kRows][kP];
      for (int r = 0; r < kRows; ++r) {
        for (int j = 0; j < kP; ++j) sum[r][j] = S::Zero();
      }
      for (int64_t d = 0; d < head_dim; d += S::kLanes) {
        typename S::F32 query[kRows];
        for (int r = 0; r < kRows; ++r) query[r] = S::Load(q[r] + d);
        for (int j = 0; j < kP; ++j) {
          const auto key = S::LoadF16(row[j] + d);
          for (int r = 0; r < kRows; ++r) sum[r][j] = S::Fma(query[r], key, sum[r][j]);
        }
      }
      if constexpr (kP == 4) {
        for (int r = 0; r < kRows; ++r) {
          const auto quad = S::SumQuad(sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
          S::StoreQuad(quad, scores[r] + p, scores[r] + p + 2);
        }
      } else {
        for (int r = 0; r < kRows; r += 2) {
          const auto quad = S::SumQuad(sum[r][0], sum[r][1], sum[r + 1][0], sum[r + 1][1]);
          S::StoreQuad(quad, scores[r] + p, scores[r + 1] + p);
        }
      }
    }
  }

  // Vectors of out kept in registers for kRows rows.
  template <int kRows>
  static constexpr int kWidth = S::kRegisters == 32 ? (kRows == 1   ? 8
                                                       : kRows == 2 ? 8
                                                                    : 4)
                                                    : (kRows == 1   ? 8
                                                       : kRows == 2 ? 4
                                                                    : 2);

  // out[r] = out[r] * factor[r] + sum over p < count of weights[r][p] v[p]. Asks for `next`.
  template <int kRows>
  static void AddValues(const float (&weights)[kRows][kTilePositions], const float* factor,
                        const uint16_t* v, const uint16_t* next, int64_t count, int64_t head_dim,
                        float* out) {
    const int64_t vectors = head_dim / S::kLanes;
    const int64_t whole = vectors / kWidth<kRows> * kWidth<kRows>;
    int64_t j = 0;
    for (; j < whole; j += kWidth<kRows>) {
      Columns<kRows, kWidth<kRows>>(weights, factor, v + j * S::kLanes, j == 0 ? next : nullptr,
                                    count, head_dim, out + j * S::kLanes);
    }
    // What is left of head_dim, in halves of the width.
    const auto rest = [&]<int kVectors>() {
      if ((vectors & kVectors) == 0) return;
      Columns<kRows, kVectors>(weights, factor, v + j * S::kLanes, j == 0 ? next : nullptr, count,
                               head_dim, out + j * S::kLanes);
      j += kVectors;
    };
    if constexpr (kWidth < kRows >> 4) rest.template operator()<4>();
    if constexpr (kWidth < kRows >> 2) rest.template operator()<2>();
    rest.template operator()<1>();
  }

  // Not inlined, nor is Scores: among the softmax's constants, g++ 12 keeps sums in memory.
  template <int kRows, int kVectors>
  [[gnu::noinline]] static void Columns(const float (&weights)[kRows][kTilePositions],
                                        const float* factor, const uint16_t* v,
                                        const uint16_t* next, int64_t count, int64_t head_dim,
                                        float* out) {
    typename S::F32 sum[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) {
        sum[r][j] = S::Mul(S::Load(out + r * head_dim + j * S::kLanes), S::Set1(factor[r]));
      }
    }
    for (int64_t p = 0; p < count; ++p) {
      if (next != nullptr) Prefetch(next + p * head_dim, head_dim);
      typename S::F32 value[kVectors];
      for (int j = 0; j < kVectors; ++j) value[j] = S::LoadF16(v + p * head_dim + j * S::kLanes);
      for (int r = 0; r < kRows; ++r) {
        const auto weight = S::Set1(weights[r][p]);
        for (int j = 0; j < kVectors; ++j) sum[r][j] = S::Fma(weight, value[j], sum[r][j]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kVectors; ++j) S::Store(out + r * head_dim + j * S::kLanes, sum[r][j]);
    }
  }

  // `elements` halves; beyond the end of the cache a prefetch does nothing.
  [[gnu::always_inline]] static void Prefetch(const uint16_t* p, int64_t elements) {
    for (int64_t i = 0; i < elements; i += 32) __builtin_prefetch(p + i);
  }

  static void MergeRow(const AttentionArgs& args, int64_t kv, int64_t row, Range slices,
                       int count) {
    const AttentionShape& s = args.shape;
    const auto used = [&](int64_t i) {
      const Range p = SplitPositions(s, kv, {static_cast<int>(i), count});
      return p.begin < p.end;
    };
    float max = kLowest;
    for (int64_t i = slices.begin; i < slices.end; ++i) {
      const Slot slot = SlotOf(args, kv, i);
      if (used(i) && slot.max[StatOf(row)] > max) max = slot.max[StatOf(row)];
    }
    float* out = args.out + Offset(s, kv, row);
    for (int64_t d = 0; d < s.head_dim; d += S::kLanes) S::Store(out + d, S::Zero());
    float sum = 0;
    for (int64_t i = slices.begin; i < slices.end; ++i) {
      if (!used(i)) continue;
      const Slot slot = SlotOf(args, kv, i);
      float lanes[S::kLanes];
      S::Store(lanes, Exp2<S>(S::Set1(slot.max[StatOf(row)] - max)));
      sum += slot.sum[StatOf(row)] * lanes[0];
      const auto weight = S::Set1(lanes[0]);
      const float* part = slot.out + row * s.head_dim;
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        S::Store(out + d, S::Fma(weight, S::Load(part + d), S::Load(out + d)));
      }
    }
    Normalise<S>(out, sum, s.head_dim, out);
  }
};

}  // namespace wattline::kernels::attention_cpu
