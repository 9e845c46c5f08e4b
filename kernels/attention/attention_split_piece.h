// One thread's piece of one KV head for few queries. Scores are computed with the query rows in
// the lanes of a vector: with kParts lanes for each row, kParts neighbours of an element row of K
// meet them, repeated, and what is left to add are kParts lanes, for kParts positions at a time.
// (Dot products with all lanes along head_dim spent as much on sums over lanes as on products:
// 8 rows reached 40 % of a read loop's bandwidth.)
#pragma once

#include <cstdint>

#include "kernels/attention/attention_kv.h"
#include "kernels/attention/attention_pairs.h"
#include "kernels/attention/attention_plan.h"
#include "kernels/attention/attention_prefetch.h"
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
    by_ = q_ + padded * dim_ / 2;
    k_ = q_ + padded * dim_;
    scores_ = k_ + kSplitStep * kSplitStride;
    max_ = scores_ + padded * kSplitPositions;
    sum_ = max_ + padded;
    factor_ = sum_ + padded;
    limit_ = factor_ + padded;
    scales_ = limit_ + padded;
    halves_ = reinterpret_cast<uint16_t*>(scales_ + kTilePositions * dim_ / 32 + kSplitRowGrain);
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
  static constexpr bool kPairs = Kv::kBlock != 0 && HasPairs<S>;
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

  // q_[vectors, head_dim / kParts, lane]: kParts elements of each row, or 2 kParts of 16 bits.
  // Rows behind the last repeat it.
  void Start(int64_t kv) {
    for (int64_t i = 0; i < vectors_ * kVectorRows; ++i) {
      const float* from = args_.q + Layout::Offset(args_.shape, kv, Smaller(i, rows_ - 1));
      if constexpr (kPairs) {
        const int64_t lane = i % kVectorRows;
        const float by =
            PairProduct<S, kParts>::Round(from, dim_, lane, PairQueries(i / kVectorRows));
        for (int j = 0; j < kParts; ++j) by_[i / kVectorRows * S::kLanes + LaneOf(lane, j)] = by;
      } else {
        float* to = q_ + i / kVectorRows * dim_ * kVectorRows + i % kVectorRows * kParts;
        for (int64_t d = 0; d < dim_; d += kParts) {
          for (int j = 0; j < kParts; ++j) to[d * kVectorRows + j] = from[d + j];
        }
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
        if constexpr (kPairs) {
          auto* wide = reinterpret_cast<int16_t*>(k_);
          PairProduct<S, kParts>::Widen(k + p * row_byte_, row_byte_, step, dims, wide);
          for (int64_t j = 0; j < vectors_; ++j) PairScores(j, p, dims, wide);
        } else {
          Widen<S, Kv>(k + p * row_byte_, scales_ + p, step, dims, k_, kSplitStride, row_byte_);
          int64_t j = 0;
          for (; j + 2 <= vectors_; j += 2) Scores<2>(j, p, dims);
          if (j < vectors_) Scores<1>(j, p, dims);
        }
      }
    }
    for (int64_t j = 0; j < vectors_; ++j) Softmax(tile, j);
    Scales(v, count);
    next_ = k + kSplitPositions * row_byte_;
    AddValues(v, count);
  }

  [[gnu::always_inline]] void Scales(const std::byte* rows, int64_t count) {
    if constexpr (Kv::kBlock != 0) Kv::Scales(rows, count, dim_, halves_, scales_);
  }

  void PairScores(int64_t vector, int64_t p, Range dims, const int16_t* k) {
    const std::byte* ahead = next_ + p * row_byte_ + kSplitStep / 2 * Kv::ByteOf(dims.begin);
    PairProduct<S, kParts>::Scores(
        PairQueries(vector) + dims.begin * kVectorRows, S::Load(by_ + vector * S::kLanes), k,
        scales_ + dims.begin / 32 * kTilePositions + p, (dims.end - dims.begin) / 32,
        dims.begin == 0, ahead, kSplitStep / 2 * row_byte_,
        scores_ + (vector * kGroups + p / kParts) * S::kLanes);
  }

  int16_t* PairQueries(int64_t vector) {
    return reinterpret_cast<int16_t*>(q_) + vector * dim_ * kVectorRows;
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
        F32 joined = JoinParts<S, kParts>(sum[kN] + kFirst);
        if (dims.begin > 0) joined = S::Add(joined, S::Load(scores));
        S::Store(scores, joined);
      });
    }
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

  template <int kRows>
  static constexpr int kRowVectors = (kRows + kVectorRows - 1) / kVectorRows;

  // out[kCount, kGroups, lane] = a vector's weights times the scales of their positions.
  template <int kCount>
  [[gnu::always_inline]] static void ScaleWeights(const float* weights, const float* scales,
                                                  int64_t count, float* out) {
    for (int64_t p = 0; p < count; p += kParts) {
      F32 scale = S::template LoadRepeat<kParts>(scales + p);
      if constexpr (kParts == 2) scale = S::DoublePair(scale);
      Unroll<kCount>([&](auto i) {
        const int64_t at = (i.value * kGroups + p / kParts) * S::kLanes;
        S::Store(out + at, S::Mul(S::Load(weights + at), scale));
      });
    }
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
    // Weights times the scales of each block that these vectors have of V.
    constexpr int64_t kScaled = Kv::kBlock == 0 ? 0 : kRowVectors<kRows> * kGroups * S::kLanes;
    constexpr int kVectorsOf = Kv::kBlock == 0 ? kVectors : Kv::kBlock / S::kLanes;
    constexpr int kBlocks = (kVectors + kVectorsOf - 1) / kVectorsOf;
    alignas(64) float scaled[kBlocks * kScaled + 1];
    if constexpr (Kv::kBlock != 0) {
      weights = scores_ + row / kVectorRows * kGroups * S::kLanes;
      for (int block = 0; block < kBlocks; ++block) {
        ScaleWeights<kRowVectors<kRows>>(weights, scales_ + (d / 32 + block) * kTilePositions,
                                         count, scaled + block * kScaled);
      }
      weights = scaled + LaneOf(row % kVectorRows, 0);
    }
    const auto add = [&](auto i, const std::byte* at, const float* weight)
        __attribute__((always_inline)) {
      F32 value[kVectors];
      Unroll<kVectors>([&](auto j) { value[j.value] = Kv::Steps(at, j.value * S::kLanes); });
      Unroll<kRows * kBlocks>([&](auto n) {
        constexpr int kR = n.value / kBlocks, kFirst = n.value % kBlocks * kVectorsOf;
        const F32 w =
            S::Set1(weight[n.value % kBlocks * kScaled + kR / kVectorRows * kGroups * S::kLanes +
                           LaneOf(kR % kVectorRows, 0) + LaneOf(0, i.value)]);
        Unroll<(kVectorsOf < kVectors ? kVectorsOf : kVectors)>([&](auto j) {
          constexpr int kJ = kFirst + j.value;
          sum[kR * kVectors + kJ] = S::Fma(w, value[kJ], sum[kR * kVectors + kJ]);
        });
      });
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

  const AttentionArgs& args_;
  const int64_t dim_;
  const int64_t row_byte_;
  const int64_t rows_;
  const int64_t vectors_;  // of query rows
  const int64_t head_byte_;
  const typename Layout::Slot slot_;
  const std::byte* next_ = nullptr;  // what to ask for: the tile of V, then the next tile of K
  float* q_;                         // [vectors, head_dim / kParts, kLanes]
  float* by_;         // [vectors, kLanes], scales of 16-bit queries, which take half of q
  float* k_;          // [kSplitStep, kSplitStride]
  float* scores_;     // [vectors, kGroups, kLanes]
  float* max_;        // [vectors, kLanes]
  float* sum_;        // [vectors, kLanes]
  float* factor_;     // [vectors, kLanes]
  float* limit_;      // [kLanes]
  float* scales_;     // [head_dim / 32, kTilePositions], of K, then of V
  uint16_t* halves_;  // the same in f16
};

}  // namespace wattline::kernels::attention_cpu
