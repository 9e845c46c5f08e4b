// The GEMV over any instruction set's vectors; each file gemv_rows_<isa>.cc instantiates it.
//
// One row at a time: one sequential stream of weights. Four rows per pass, which share the loads of
// x, cost 2.6 times the time on q4_0 (measured, Zen 5, without software prefetches): their streams
// lie 2304 bytes apart and the hardware's prefetcher loses them. Dense rows take some together with
// several tokens (kDenseRows), whose f32 activations the first-level cache does not hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_tokens_body.h"
#include "kernels/simd/unpack.h"
#include "kernels/simd/unroll.h"

namespace wattline::kernels {

// Independent sums per token, so that a multiply-add need not wait 4 cycles for the one before.
constexpr int Chains(int tokens, int sums) { return tokens >= sums ? 1 : sums / tokens; }

// kTokens tokens meeting one row of packed weights.
template <class V, Format kFormat, int kTokens>
class PackedDot {
 public:
  static void Row(const GemvRows& g, const std::byte* row, int64_t token, float* y) {
    PackedDot dot(g, token);
    const int64_t runs = g.cols / 32;
    const std::byte* line = row;
    int64_t run = 0;
    for (; run + 8 <= runs; run += 8, row += kGroupByte) {
      PrefetchTo<V>(row + kGroupByte, line);
      dot.template Add<8>(row, run);
    }
    if constexpr (U::kRuns < 8) {
      for (; run < runs; run += U::kRuns, row += U::kBlockByte) {
        dot.template Add<U::kRuns>(row, run);
      }
    }
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      typename V::Sums sum = dot.offset_[t.value];
      Unroll<kChains>([&](auto c) __attribute__((always_inline)) {
        sum = V::Add(sum, dot.sum_[t.value][c.value]);
      });
      y[t.value * g.y_stride] = V::Total(sum);
    });
  }

 private:
  using U = Unpack<V, kFormat>;
  static constexpr int kChains = Chains(kTokens, 4);
  static constexpr int64_t kGroupByte = int64_t{8} / U::kRuns * U::kBlockByte;

  [[gnu::always_inline]] PackedDot(const GemvRows& g, int64_t token)
      : q8_(g.q8 + token * g.cols),
        scale_(g.q8_scale + token * (g.cols / 32)),
        block_sum_(g.q8_block_sum + token * (g.cols / 32)),
        cols_(g.cols) {
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      offset_[t.value] = V::Zero();
      Unroll<kChains>([&](auto c)
                          __attribute__((always_inline)) { sum_[t.value][c.value] = V::Zero(); });
    });
  }

  // kCount runs of 32, of which `run` is the first: integer dot products times the scales of both
  // sides; offsets meet the blocks' sums of x.
  template <int kCount>
  [[gnu::always_inline]] void Add(const std::byte* block, int64_t run) {
    float scale[kCount * U::kScales], offset[kCount];
    float both[kTokens][kCount];
    U::template Scales<kCount>(block, scale, offset);
    Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
      const int64_t at = t.value * (cols_ / 32) + run;
      if constexpr (kCount == 8) {
        if constexpr (U::kScales == 1) {
          V::Multiply8(scale, scale_ + at, both[t.value]);
          V::InMemory(both[t.value]);
        }
        if constexpr (U::kOffset) {
          offset_[t.value] = V::MultiplyAdd8(offset_[t.value], offset, block_sum_ + at);
        }
      } else {
        for (int r = 0; r < kCount; ++r) {
          both[t.value][r] = scale[r] * scale_[at + r];
          if constexpr (U::kOffset) {
            offset_[t.value] = V::MultiplyAdd1(offset_[t.value], offset[r], block_sum_[at + r]);
          }
        }
      }
    });
    if constexpr (U::kScales == 2) V::InMemory(scale);
    Unroll<kCount>([&](auto r) __attribute__((always_inline)) {
      constexpr int kRun = decltype(r)::value;
      const typename V::Bytes q =
          U::template Q<kRun % U::kRuns>(block + kRun / U::kRuns * U::kBlockByte);
      Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
        const int8_t* x = q8_ + t.value * cols_ + (run + kRun) * 32;
        typename V::Sums& sum = sum_[t.value][kRun % kChains];
        if constexpr (U::kScales == 2) {
          sum = V::MultiplyAdd(sum, V::DotHalves(q, x, scale[2 * kRun], scale[2 * kRun + 1]),
                               scale_[t.value * (cols_ / 32) + run + kRun]);
        } else if constexpr (U::kSigned) {
          sum = V::MultiplyAdd(sum, V::DotSigned(q, x), both[t.value][kRun]);
        } else {
          sum = V::MultiplyAdd(sum, V::Dot(q, x), both[t.value][kRun]);
        }
      });
    });
  }

  const int8_t* q8_;
  const float* scale_;
  const float* block_sum_;
  int64_t cols_;
  typename V::Sums sum_[kTokens][kChains];
  typename V::Sums offset_[kTokens];
};

// kTokens tokens meeting kRows rows of f32, f16 or bf16 weights; activations stay f32. A row's sums
// are the same with any kRows.
template <class V, Format kFormat, int kTokens, int kRows>
class DenseDot {
 public:
  // y: [kTokens, g.y_stride], at the first of the rows.
  static void Rows(const GemvRows& g, const std::byte* row, int64_t token, float* y) {
    const float* x = g.f32 + token * g.cols;
    typename V::Floats sum[kRows][kTokens][kChains];
    Unroll<kRows * kTokens * kChains>([&](auto i) __attribute__((always_inline)) {
      sum[i.value / kChains / kTokens][i.value / kChains % kTokens][i.value % kChains] =
          V::ZeroFloats();
    });
    const auto add = [&](const std::byte* w, int64_t row_byte, auto chain, const float* at,
                         int64_t stride) __attribute__((always_inline)) {
      typename V::Floats lanes[kRows];
      Unroll<kRows>([&](auto r) __attribute__((always_inline)) {
        lanes[r.value] = V::template LoadLanes<kFormat>(w + r.value * row_byte);
      });
      Unroll<kTokens>([&](auto t) __attribute__((always_inline)) {
        const auto of_token = Token(at + t.value * stride);
        Unroll<kRows>([&](auto r) __attribute__((always_inline)) {
          typename V::Floats& total = sum[r.value][t.value][chain.value];
          total = V::MultiplyAddFloats(total, lanes[r.value], of_token);
        });
      });
    };
    [[maybe_unused]] const int64_t far = AheadByte(kRows * g.row_byte);
    const bool asks_ahead = kRows > 1 || V::AsksAhead();
    int64_t i = 0;
    for (; i + kStep <= g.cols; i += kStep) {
      for (int r = 0; asks_ahead && r < kRows; ++r) {
        for (int64_t byte = 0; byte < kStep * kByte; byte += 64) {
          const std::byte* line = row + r * g.row_byte + i * kByte + byte;
          if constexpr (kRows > 1 && requires { V::Prefetch(line, far); }) {
            V::Prefetch(line, far);
          } else {
            V::Prefetch(line);
          }
        }
      }
      Unroll<kStep / V::kLanes>([&](auto c) __attribute__((always_inline)) {
        const int64_t at = i + c.value * V::kLanes;
        add(row + at * kByte, g.row_byte, Constant<c.value % kChains>{}, x + at, g.cols);
      });
    }
    for (; i + V::kLanes <= g.cols; i += V::kLanes) {
      add(row + i * kByte, g.row_byte, Constant<0>{}, x + i, g.cols);
    }
    if (i < g.cols) {
      // The rest through copies that zeros fill up.
      std::byte w_rest[kRows][V::kLanes * kByte] = {};
      float x_rest[kTokens][V::kLanes] = {};
      for (int r = 0; r < kRows; ++r) {
        __builtin_memcpy(w_rest[r], row + r * g.row_byte + i * kByte,
                         static_cast<size_t>((g.cols - i) * kByte));
      }
      for (int t = 0; t < kTokens; ++t) {
        __builtin_memcpy(x_rest[t], x + t * g.cols + i, static_cast<size_t>(g.cols - i) * 4);
      }
      add(w_rest[0], V::kLanes * kByte, Constant<0>{}, x_rest[0], V::kLanes);
    }
    Unroll<kRows * kTokens>([&](auto at) __attribute__((always_inline)) {
      constexpr int kRow = decltype(at)::value / kTokens, kToken = decltype(at)::value % kTokens;
      typename V::Floats total = sum[kRow][kToken][0];
      Unroll<kChains - 1>([&](auto c) __attribute__((always_inline)) {
        total = V::AddFloats(total, sum[kRow][kToken][c.value + 1]);
      });
      y[kToken * g.y_stride + kRow] = V::TotalFloats(total);
    });
  }

 private:
  // What all rows multiply by: in a register where the instruction set wants it there.
  [[gnu::always_inline]] static auto Token(const float* at) {
    if constexpr (kRows > 1 && requires { V::Held(at); }) {
      return V::Held(at);
    } else {
      return at;
    }
  }

  static constexpr int kChains = Chains(kTokens * V::template kDenseRows<kTokens>, 8);
  static constexpr int64_t kByte = kFormat == Format::kF32 ? 4 : 2;
  // Whole cache lines, and each chain as often as any other.
  static constexpr int64_t kLine = 64 / kByte > V::kLanes ? 64 / kByte : V::kLanes;
  static constexpr int64_t kStep = kLine > kChains* V::kLanes ? kLine : kChains* V::kLanes;
};

// Packed weights and a group of tokens, by the layout of the activations.
template <class V, Format kFormat, int kTokens, bool kInterleaved = V::kInterleaved&& kTokens != 1>
struct PackedRow : PackedDot<V, kFormat, kTokens> {};
template <class V, Format kFormat, int kTokens>
struct PackedRow<V, kFormat, kTokens, true> : TokensDot<V, kFormat, kTokens> {};

template <class V, Format kFormat, int kTokens, bool kInterleaved>
void GemvTokens(const GemvRows& g, int64_t rows, const std::byte* w, int64_t token, float* y) {
  if constexpr (kFormat == Format::kF32 || kFormat == Format::kF16 || kFormat == Format::kBF16) {
    constexpr int kRows = V::template kDenseRows<kTokens>;
    int64_t row = 0;
    for (; row + kRows <= rows; row += kRows) {
      DenseDot<V, kFormat, kTokens, kRows>::Rows(g, w + row * g.row_byte, token, y + row);
    }
    for (; row < rows; ++row) {
      DenseDot<V, kFormat, kTokens, 1>::Rows(g, w + row * g.row_byte, token, y + row);
    }
  } else {
    for (int64_t row = 0; row < rows; ++row) {
      PackedRow<V, kFormat, kTokens, kInterleaved>::Row(g, w + row * g.row_byte, token, y + row);
    }
  }
}

// Rows that meet their tokens before the next rows come: a multiple of every kDenseRows.
constexpr int64_t kRowsInTurn = 12;

// Rows meet their tokens in groups (TokenGroup); after the first group they are in the cache.
template <class V, Format kFormat, int64_t kFrom>
void GemvRowsOf(const GemvRows& g) {
  for (int64_t row = 0; row < g.rows; row += kRowsInTurn) {
    const int64_t rows = g.rows - row < kRowsInTurn ? g.rows - row : kRowsInTurn;
    const std::byte* w = g.w + row * g.row_byte;
    for (int64_t token = 0; token < g.tokens;) {
      float* y = g.y + token * g.y_stride + row;
      const int64_t group = TokenGroup(g.tokens - token);
      switch (group) {
        case 8:
          GemvTokens<V, kFormat, 8, (8 >= kFrom)>(g, rows, w, token, y);
          break;
        case 4:
          GemvTokens<V, kFormat, 4, (4 >= kFrom)>(g, rows, w, token, y);
          break;
        case 2:
          GemvTokens<V, kFormat, 2, (2 >= kFrom)>(g, rows, w, token, y);
          break;
        default:
          GemvTokens<V, kFormat, 1, (1 >= kFrom)>(g, rows, w, token, y);
      }
      token += group;
    }
  }
}

// Dense formats only.
template <class V>
void GemvRowsDense(const GemvRows& g) {
  if (g.format == Format::kF32) return GemvRowsOf<V, Format::kF32, 1>(g);
  if (g.format == Format::kF16) return GemvRowsOf<V, Format::kF16, 1>(g);
  if (g.format == Format::kBF16) return GemvRowsOf<V, Format::kBF16, 1>(g);
}

// kInterleavedFrom: of gemv_rows.h.
template <class V, int64_t kInterleavedFrom>
void GemvRowsAny(const GemvRows& g) {
  switch (g.format) {
    case Format::kF32:
      return GemvRowsOf<V, Format::kF32, kInterleavedFrom>(g);
    case Format::kF16:
      return GemvRowsOf<V, Format::kF16, kInterleavedFrom>(g);
    case Format::kBF16:
      return GemvRowsOf<V, Format::kBF16, kInterleavedFrom>(g);
    case Format::kQ8_0:
      return GemvRowsOf<V, Format::kQ8_0, kInterleavedFrom>(g);
    case Format::kQ4_0:
      return GemvRowsOf<V, Format::kQ4_0, kInterleavedFrom>(g);
    case Format::kQ4_1:
      return GemvRowsOf<V, Format::kQ4_1, kInterleavedFrom>(g);
    case Format::kQ4_K:
      return GemvRowsOf<V, Format::kQ4_K, kInterleavedFrom>(g);
    case Format::kQ5_K:
      return GemvRowsOf<V, Format::kQ5_K, kInterleavedFrom>(g);
    case Format::kQ6_K:
      return GemvRowsOf<V, Format::kQ6_K, kInterleavedFrom>(g);
    case Format::kMlx4:
      return GemvRowsOf<V, Format::kMlx4, kInterleavedFrom>(g);
    default:
      return;  // CpuHolds says no
  }
}

// Blocks whose largest |x| is below this count as zeros: 127 / max would overflow soon after.
constexpr float kTinyActivation = 0x1p-100f;

template <class V>
void QuantiseQ8(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum) {
  for (int64_t b = 0; b < blocks; ++b) {
    const float largest = V::LargestMagnitude32(x + 32 * b);
    const bool tiny = largest < kTinyActivation;
    scale[b] = tiny ? 0.0f : largest / 127.0f;
    const float per_step = tiny ? 0.0f : 127.0f / largest;
    block_sum[b] = scale[b] * V::Round32(x + 32 * b, per_step, q8 + 32 * b);
  }
}

}  // namespace wattline::kernels
