// One thread's piece of one KV head for few queries. Scores are computed with the query rows in
// the lanes of a vector: with kParts lanes for each row, kParts neighbours of an element row of K
// meet them, repeated, and what is left to add are kParts lanes, for kParts positions at a time.
// (Dot products with all lanes along head_dim spent as much on sums over lanes as on products:
// 8 rows reached 40 % of a read loop's bandwidth.)
#pragma once

#include <cstdint>

#include "kernels/attention/attention_kv.h"
#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_softmax.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels::attention_cpu {

// Where the rows of a call and the results of a piece lie.
template <class S>
struct SplitLayout {
  struct Slot {
    float* out;  // [SplitRows, head_dim], to be divided by sum
    float* max;  // [SplitRows]
    float* sum;  // [SplitRows]
  };

  [[gnu::always_inline]] static int64_t Rows(const AttentionShape& s) {
    return s.tokens * (s.heads / s.kv_heads);
  }
  // Of row `row` (token slowest, then head of the group) in q and out.
  [[gnu::always_inline]] static int64_t Offset(const AttentionShape& s, int64_t kv, int64_t row) {
    const int64_t group = s.heads / s.kv_heads;
    return (row / group * s.heads + kv * group + row % group) * s.head_dim;
  }
  [[gnu::always_inline]] static Slot SlotOf(const AttentionArgs& args, int64_t kv, int64_t slice) {
    const AttentionShape& s = args.shape;
    float* out = reinterpret_cast<float*>(args.scratch) + (kv + slice) * SplitSlotFloats(s);
    float* max = out + SplitRows(s) * s.head_dim;
    return {out, max, max + SplitRows(s)};
  }
};

template <class S, class Kv, int kParts>
class SplitPiece {
  using F32 = typename S::F32;
  using Layout = SplitLayout<S>;

 public:
  // `work` has SplitWorkFloats.
  SplitPiece(const AttentionArgs& args, int64_t kv, typename Layout::Slot slot, float* work)
      : args_(args),
        dim_(args.shape.head_dim),
        row_byte_(Kv::RowByte(dim_)),
        rows_(Layout::Rows(args.shape)),
        vectors_((rows_ + kVectorRows - 1) / kVectorRows),
        head_byte_(kv * args.capacity * row_byte_),
        slot_(slot) {
    const int64_t padded = SplitRows(args.shape);
    q_ = work;
    k_ = q_ + padded * dim_;
    scores_ = k_ + kSplitStep * kSplitStride;
    max_ = scores_ + padded * kSplitPositions;
    sum_ = max_ + padded;
    factor_ = sum_ + padded;
    limit_ = factor_ + padded;
    scales_ = limit_ + padded;
    halves_ = reinterpret_cast<uint16_t*>(scales_ + kSplitPositions * dim_ / 32 + kSplitRowGrain);
    Start(kv);
  }

  void Run(Range positions) {
    for (int64_t begin = positions.begin; begin < positions.end; begin += kSplitPositions) {
      Tile({begin, Smaller(begin + kSplitPositions, positions.end)});
    }
    for (int64_t row = 0; row < rows_; ++row) {
      const int64_t vector = row / kVectorRows * S::kLanes;
      float sum = 0;
      for (int i = 0; i < kParts; ++i) sum += sum_[vector + LaneOf(row % kVectorRows, i)];
      slot_.sum[row] = sum;
      slot_.max[row] = max_[vector + LaneOf(row % kVectorRows, 0)];
    }
  }

 private:
  static constexpr int kVectorRows = S::kLanes / kParts;
  static constexpr int64_t kGroups = kSplitPositions / kParts;  // vectors of a tile's scores
  // Positions whose scores are summed at a time with kWidth vectors of rows.
  template <int kWidth>
  static constexpr int kStep = (S::kRegisters == 32 ? 16 : 8) / kWidth;
  static_assert(kSplitPositions % kSplitStep == 0);

  // Lane of row `row`, position `position` of a group, in a vector of scores: as PairSums has it.
  static constexpr int64_t LaneOf(int64_t row, int64_t position) {
    return kParts == 1   ? row
           : kParts == 2 ? row / 2 * 4 + position * 2 + row % 2
                         : row * 4 + position;
  }

  // q_[vectors, head_dim / kParts, lane]: kParts elements of each row. Rows behind the last repeat
  // it.
  void Start(int64_t kv) {
    for (int64_t i = 0; i < vectors_ * kVectorRows; ++i) {
      const float* from = args_.q + Layout::Offset(args_.shape, kv, Smaller(i, rows_ - 1));
      float* to = q_ + i / kVectorRows * dim_ * kVectorRows + i % kVectorRows * kParts;
      for (int64_t d = 0; d < dim_; d += kParts) {
        for (int j = 0; j < kParts; ++j) to[d * kVectorRows + j] = from[d + j];
      }
      for (int64_t d = 0; d < dim_; d += S::kLanes) S::Store(slot_.out + i * dim_ + d, S::Zero());
    }
    for (int64_t i = 0; i < vectors_ * S::kLanes; i += S::kLanes) {
      S::Store(max_ + i, S::Set1(kLowest));
      S::Store(sum_ + i, S::Zero());
    }
  }

  void Tile(Range tile) {
    const int64_t count = tile.end - tile.begin;
    const std::byte* k =
        static_cast<const std::byte*>(args_.k) + head_byte_ + tile.begin * row_byte_;
    const std::byte* v =
        static_cast<const std::byte*>(args_.v) + head_byte_ + tile.begin * row_byte_;
    Scales(k, count);
    next_ = v;
    for (int64_t p = 0; p < count; p += kSplitStep) {
      const int64_t step = Smaller(count - p, kSplitStep);
      for (int64_t d = 0; d < dim_; d += kSplitDims) {
        const Range dims = {d, Smaller(d + kSplitDims, dim_)};
        Widen<S, Kv>(k + p * row_byte_, scales_ + p * dim_ / 32, dim_, step, dims, k_,
                     kSplitStride);
        int64_t j = 0;
        for (; j + 2 <= vectors_; j += 2) Scores<2>(j, p, dims);
        if (j < vectors_) Scores<1>(j, p, dims);
      }
    }
    for (int64_t j = 0; j < vectors_; ++j) Softmax(tile, j);
    Scales(v, count);
    next_ = k + kSplitPositions * row_byte_;
    AddValues(v, count);
  }

  [[gnu::always_inline]] void Scales(const std::byte* rows, int64_t count) {
    if constexpr (Kv::kBlock != 0) Kv::Scales(rows, count * dim_ / Kv::kBlock, halves_, scales_);
  }

  // Adds to the scores of kSplitStep positions from p on, for kWidth vectors of rows, what the
  // widened elements `dims` of K give; the first elements set them.
  template <int kWidth>
  [[gnu::noinline]] void Scores(int64_t vector, int64_t p, Range dims) {
    constexpr int kP = kStep<kWidth>;
    const float* q = q_ + vector * dim_ * kVectorRows;
    const int64_t q_stride = dim_ * kVectorRows;
    for (int64_t from = 0; from < kSplitStep; from += kP) {
      const float* k = k_ + from * kSplitStride - dims.begin;
      // The part of the tile of V that these elements are of K.
      constexpr int kAheadByte = kP * kParts * Kv::kByteOf32 / 32;
      const std::byte* ahead = next_ + (p + from) * row_byte_ + kP * Kv::ByteOf(dims.begin);
      F32 sum[kWidth][kP];
      Unroll<kWidth * kP>([&](auto i) { sum[i.value / kP][i.value % kP] = S::Zero(); });
      for (int64_t d = dims.begin; d < dims.end; d += kParts) {
        Prefetch<kAheadByte>(ahead);
        ahead += kAheadByte;
        F32 query[kWidth];
        Unroll<kWidth>(
            [&](auto n) { query[n.value] = S::Load(q + n.value * q_stride + d * kVectorRows); });
        Unroll<kP>([&](auto i) {
          const F32 key = S::template LoadRepeat<kParts>(k + i.value * kSplitStride + d);
          Unroll<kWidth>([&](auto n) {
            sum[n.value][i.value] = S::Fma(query[n.value], key, sum[n.value][i.value]);
          });
        });
      }
      Unroll<kWidth * kP / kParts>([&](auto i) {
        constexpr int kN = i.value * kParts / kP, kFirst = i.value * kParts % kP;
        float* scores =
            scores_ + ((vector + kN) * kGroups + (p + from + kFirst) / kParts) * S::kLanes;
        F32 joined = JoinParts(sum[kN] + kFirst);
        if (dims.begin > 0) joined = S::Add(joined, S::Load(scores));
        S::Store(scores, joined);
      });
    }
  }

  // kParts positions' vectors become one.
  [[gnu::always_inline]] static F32 JoinParts(const F32* x) {
    if constexpr (kParts == 1) return x[0];
    if constexpr (kParts == 2) return S::PairSums(x[0], x[1]);
    if constexpr (kParts == 4) return S::PairSums(S::PairSums(x[0], x[1]), S::PairSums(x[2], x[3]));
  }

  // Largest over the lanes of each row, in all of them.
  [[gnu::always_inline]] static F32 MaxOfRows(F32 x) {
    if constexpr (kParts >= 2) x = S::Max(x, S::SwapPairs(x));
    if constexpr (kParts == 4) x = S::Max(x, S::SwapNeighbours(x));
    return x;
  }

  // Makes one vector's scores weights 2^(score - max), nothing (2^-126) where a row does not see
  // the position; updates max and sum; factor becomes what was summed before is worth now:
  // 2^(old max - new max).
  [[gnu::noinline]] void Softmax(Range tile, int64_t vector) {
    const AttentionShape& s = args_.shape;
    const int64_t group = s.heads / s.kv_heads;
    float* scores = scores_ + vector * kGroups * S::kLanes;
    const int64_t at = vector * S::kLanes;
    const int64_t count = tile.end - tile.begin;
    const int64_t groups = (count + kParts - 1) / kParts;
    const auto seen = [&](int64_t row) {
      const int64_t token = Smaller(vector * kVectorRows + row, rows_ - 1) / group;
      return Larger(Smaller(AttentionVisible(s, token) - tile.begin, count), 0);
    };
    const int64_t least = seen(0);
    if (least < groups * kParts) {
      // Group g's lane sees position g kParts + i where g kParts < limit.
      for (int64_t row = 0; row < kVectorRows; ++row) {
        for (int i = 0; i < kParts; ++i) {
          limit_[LaneOf(row, i)] = static_cast<float>(seen(row) - i);
        }
      }
      for (int64_t g = least / kParts; g < groups; ++g) {
        const F32 position = S::Set1(static_cast<float>(g * kParts));
        float* score = scores + g * S::kLanes;
        S::Store(score, S::SelectLess(position, S::Load(limit_), S::Load(score), S::Set1(kLowest)));
      }
    }
    F32 largest[2] = {S::Load(scores), S::Load(scores)};
    for (int64_t g = 1; g < groups; ++g) {
      largest[g % 2] = S::Max(largest[g % 2], S::Load(scores + g * S::kLanes));
    }
    const F32 by = S::Set1(1.44269504f / __builtin_sqrtf(static_cast<float>(dim_)));
    const F32 before = S::Load(max_ + at);
    const F32 now = S::Max(before, S::Mul(MaxOfRows(S::Max(largest[0], largest[1])), by));
    S::Store(max_ + at, now);
    // A row that has seen nothing yet keeps a maximum of kLowest * scale or so: no shift of it may
    // lift its lowest scores to a weight of 1.
    const F32 shift = S::Sub(S::Zero(), S::Max(now, S::Set1(-1e30f)));
    F32 sum = S::Zero();
    for (int64_t g = 0; g < groups; ++g) {
      float* score = scores + g * S::kLanes;
      const F32 weight = Exp2AtLeast<S>(S::Fma(S::Load(score), by, shift));
      S::Store(score, weight);
      sum = S::Add(sum, weight);
    }
    const F32 worth = Exp2AtLeast<S>(S::Sub(before, now));
    S::Store(factor_ + at, worth);
    S::Store(sum_ + at, S::Fma(S::Load(sum_ + at), worth, sum));
  }

  // Rows of values, and vectors of each, whose sums stay in registers.
  static constexpr int kMostRows = S::kRegisters == 32 ? 8 : 4;
  template <int kRows>
  static constexpr int kWidth = kRows == kMostRows ? 2 : 4;

  void AddValues(const std::byte* v, int64_t count) {
    int64_t row = 0;
    for (; rows_ - row >= kMostRows; row += kMostRows) RowValues<kMostRows>(v, count, row);
    // Padded rows cost less than passes of their own.
    switch (rows_ - row) {
      case 0:
        return;
      case 1:
        return RowValues<1>(v, count, row);
      case 2:
        return RowValues<2>(v, count, row);
      case 3:
      case 4:
        return RowValues<4>(v, count, row);
      default:
        return RowValues<kMostRows>(v, count, row);
    }
  }

  template <int kRows>
  void RowValues(const std::byte* v, int64_t count, int64_t row) {
    const int64_t vectors = dim_ / S::kLanes;
    int64_t j = 0;
    const auto run = [&]<int kVectors>() {
      for (; j + kVectors <= vectors; j += kVectors) {
        Values<kRows, kVectors>(v, count, row, j * S::kLanes);
      }
    };
    if constexpr (kWidth < kRows >> 2) run.template operator()<4>();
    run.template operator()<2>();
    run.template operator()<1>();
  }

  // out[kRows, kVectors] = out * factor + weights v, at element d; asks for a share of the next
  // tile of K meanwhile.
  template <int kRows, int kVectors>
  [[gnu::noinline]] void Values(const std::byte* v, int64_t count, int64_t row, int64_t d) {
    // Rows row .. row + kRows - 1 lie in one vector, or fill several.
    const float* weights =
        scores_ + row / kVectorRows * kGroups * S::kLanes + LaneOf(row % kVectorRows, 0);
    const float* factors = factor_ + row / kVectorRows * S::kLanes + LaneOf(row % kVectorRows, 0);
    float* out = slot_.out + row * dim_ + d;
    const int64_t dim = dim_;
    F32 sum[kRows * kVectors];
    Unroll<kRows * kVectors>([&](auto i) {
      constexpr int kR = i.value / kVectors, kJ = i.value % kVectors;
      sum[i.value] =
          S::Mul(S::Load(out + kR * dim + kJ * S::kLanes),
                 S::Set1(factors[kR / kVectorRows * S::kLanes + LaneOf(kR % kVectorRows, 0)]));
    });
    const int64_t row_byte = row_byte_;
    // The part of the next tile of K that these vectors are of V.
    constexpr int kAheadByte = kParts * kVectors * S::kLanes * Kv::kByteOf32 / 32;
    const std::byte* ahead = next_ + count * Kv::ByteOf(d);
    const float* scales = scales_ + d / 32;
    const auto add = [&](auto i, const std::byte* at, const float* weight)
        __attribute__((always_inline)) {
      F32 value[kVectors];
      Unroll<kVectors>([&](auto j) { value[j.value] = Kv::Load(at, scales, j.value * S::kLanes); });
      Unroll<kRows>([&](auto r) {
        const F32 w = S::Set1(weight[r.value / kVectorRows * kGroups * S::kLanes +
                                     LaneOf(r.value % kVectorRows, 0) + LaneOf(0, i.value)]);
        Unroll<kVectors>([&](auto j) {
          sum[r.value * kVectors + j.value] =
              S::Fma(w, value[j.value], sum[r.value * kVectors + j.value]);
        });
      });
      scales += dim / 32;
    };
    const std::byte* at = v + Kv::ByteOf(d);
    int64_t p = 0;
    for (; p + kParts <= count; p += kParts) {
      Prefetch<kAheadByte>(ahead);
      ahead += kAheadByte;
      Unroll<kParts>([&](auto i) { add(i, at + i.value * row_byte, weights); });
      at += kParts * row_byte;
      weights += S::kLanes;
    }
    Unroll<kParts - 1>([&](auto i) {
      if (p + i.value < count) add(i, at + i.value * row_byte, weights);
    });
    Unroll<kRows * kVectors>([&](auto i) {
      S::Store(out + i.value / kVectors * dim + i.value % kVectors * S::kLanes, sum[i.value]);
    });
  }

  // What follows next, into the first-level cache, and what lies kAheadByte behind it, into the
  // second: evenly along the loops of products, and in the loops over K for V and the reverse, so
  // that two streams are under way at any time. Beyond the end of the cache a prefetch does
  // nothing. Loads with 12 multiply-adds a line and nothing else, one core of Emerald Rapids,
  // 2026-11-22: one stream asked for once 79 % of the bandwidth without any, twice 89 %, two
  // streams twice 92 %. Share of a plain loop's bandwidth with 1, 4 and 8 rows of head_dim 64
  // (AVX-512, f16): 82, 81 and 67 %; one tile ahead into the second level only 78, 77 and 67 %; 8
  // KiB ahead 82, 80 and 68 %; with tiles of 16 positions 83, 77 and 63 %; every second line only
  // cost 10 % more.
  template <int kByte>
  [[gnu::always_inline]] static void Prefetch(const std::byte* p) {
    // Half a line, for steps of 34 or 68 bytes: the one of 16 lines that they leave out is another
    // one far ahead.
    constexpr int kAheadByte = (16 << 10) + 32;
    constexpr int kLines = kByte < 64 ? 1 : (kByte + 32) / 64;
    for (int i = 0; i < kLines; ++i) __builtin_prefetch(p + i * 64, 0, 3);
    for (int i = 0; i < kLines; ++i) __builtin_prefetch(p + kAheadByte + i * 64, 0, 2);
  }

  const AttentionArgs& args_;
  const int64_t dim_;
  const int64_t row_byte_;
  const int64_t rows_;
  const int64_t vectors_;  // of query rows
  const int64_t head_byte_;
  const typename Layout::Slot slot_;
  const std::byte* next_ = nullptr;  // what to ask for: the tile of V, then the next tile of K
  float* q_;                         // [vectors, head_dim / kParts, kLanes]
  float* k_;                         // [kSplitStep, kSplitStride]
  float* scores_;                    // [vectors, kGroups, kLanes]
  float* max_;                       // [vectors, kLanes]
  float* sum_;                       // [vectors, kLanes]
  float* factor_;                    // [vectors, kLanes]
  float* limit_;                     // [kLanes]
  float* scales_;                    // [kSplitPositions, head_dim / 32], of K, then of V
  uint16_t* halves_;                 // the same in f16
};

}  // namespace wattline::kernels::attention_cpu
