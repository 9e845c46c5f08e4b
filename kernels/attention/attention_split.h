// Attention of few queries, bound by reading the cache: the threads divide its positions, every
// query of a group meets each tile of K and V while it lies in the first-level cache, so that the
// cache is read from memory once.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_kv.h"
#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_softmax.h"
#include "kernels/attention/attention_split_piece.h"

namespace wattline::kernels::attention_cpu {

template <class S>
class Split {
  using Layout = SplitLayout<S>;
  using Slot = typename Layout::Slot;

 public:
  // The slice's pieces; a head that no other slice shares is finished at once.
  static void Run(const AttentionArgs& args, Slice slice) {
    const AttentionShape& s = args.shape;
    const Range heads = SplitHeads(s, slice);
    const int64_t slots = s.kv_heads + slice.count - 1;
    float* work = reinterpret_cast<float*>(args.scratch) + slots * SplitSlotFloats(s) +
                  slice.index * SplitWorkFloats(s);
    for (int64_t kv = heads.begin; kv < heads.end; ++kv) {
      const Range positions = SplitPositions(s, kv, slice);
      if (positions.begin == positions.end) continue;
      const Slot slot = Layout::SlotOf(args, kv, slice.index);
      WithKv<S>(args.format,
                [&](auto format) { Piece<decltype(format)>(args, kv, positions, slot, work); });
      if (positions.begin > 0 || positions.end < s.start + s.tokens) continue;
      for (int64_t row = 0; row < Layout::Rows(s); ++row) {
        Normalise<S>(slot.out + row * s.head_dim, slot.sum[row], s.head_dim,
                     args.out + Layout::Offset(s, kv, row));
      }
    }
  }

  // The slice's share of the rows of heads that several slices shared.
  static void Merge(const AttentionArgs& args, Slice slice) {
    const AttentionShape& s = args.shape;
    const int64_t rows = Layout::Rows(s);
    const Range mine = Share(s.kv_heads * rows, 1, slice);
    for (int64_t i = mine.begin; i < mine.end; ++i) {
      const int64_t kv = i / rows;
      const Range slices = SplitSlices(s, kv, slice.count);
      if (slices.end - slices.begin > 1) MergeRow(args, kv, i % rows, slices, slice.count);
    }
  }

 private:
  // Many lanes for each row where there are few rows.
  template <class Kv>
  static void Piece(const AttentionArgs& args, int64_t kv, Range positions, Slot slot,
                    float* work) {
    const int64_t rows = Layout::Rows(args.shape);
    if (rows <= S::kLanes / 4) {
      SplitPiece<S, Kv, 4>(args, kv, slot, work).Run(positions);
    } else if (rows <= S::kLanes / 2) {
      SplitPiece<S, Kv, 2>(args, kv, slot, work).Run(positions);
    } else {
      SplitPiece<S, Kv, 1>(args, kv, slot, work).Run(positions);
    }
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
      const Slot slot = Layout::SlotOf(args, kv, i);
      if (used(i) && slot.max[row] > max) max = slot.max[row];
    }
    float* out = args.out + Layout::Offset(s, kv, row);
    for (int64_t d = 0; d < s.head_dim; d += S::kLanes) S::Store(out + d, S::Zero());
    float sum = 0;
    for (int64_t i = slices.begin; i < slices.end; ++i) {
      if (!used(i)) continue;
      const Slot slot = Layout::SlotOf(args, kv, i);
      float lanes[S::kLanes];
      S::Store(lanes, Exp2<S>(S::Set1(slot.max[row] - max)));
      sum += slot.sum[row] * lanes[0];
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
