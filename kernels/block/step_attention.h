// Attention of a step of training, forward and backward, as a template over a vector wrapper.
//
// All tokens are keys, so that the scores of a panel of queries are computed whole, their softmax
// is exact, and nothing is rescaled. Backward computes them again from the saved sums: storing P
// would move tokens^2 floats per head, half written and half read, more than the 6 tokens head_dim
// of Q, K, V and their gradients from 384 tokens on with head_dim 64; the product saved is one of
// five. By count, not measured.
#pragma once

#include <cstdint>

#include "kernels/block/step_kernels.h"
#include "kernels/simd/simd.h"

namespace wattline::kernels::step_cpu {

// Query rows of a register tile, and of a block whose P and dS meet K and Q together.
inline constexpr int64_t kPanel = 6;
inline constexpr int64_t kBlock = 48;
// Positions of a tile of transposed keys.
inline constexpr int64_t kTile = 64;

constexpr int64_t RoundUp(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
// Floats from one query's scores to the next one's; no multiple of 4 KiB, whose lines would meet in
// one set of the first level.
constexpr int64_t ScoreStride(int64_t tokens) { return RoundUp(tokens, kTile) + 16; }

template <class S>
class Attention {
 public:
  static void Forward(const StepAttention& s, Slice slice) {
    const Range heads = Share(s.heads, slice);
    for (int64_t head = heads.begin; head < heads.end; ++head) {
      const int64_t kv = head * s.kv_heads / s.heads;
      if (head == heads.begin || kv != (head - 1) * s.kv_heads / s.heads) {
        Turn(s, s.k + kv * s.head_dim, s.scratch);
      }
      for (int64_t row = 0; row < s.tokens; row += kPanel) {
        ByRows(
            Smaller(kPanel, s.tokens - row), [&]<int R>() __attribute__((always_inline)) {
              ForwardPanel<R>(s, head, row);
            });
      }
    }
  }

  static void Backward(const StepAttention& s, Slice slice) {
    const Range heads = Share(s.heads, slice);
    for (int64_t head = heads.begin; head < heads.end; ++head) {
      const int64_t kv = head * s.kv_heads / s.heads;
      if (head == heads.begin || kv != (head - 1) * s.kv_heads / s.heads) {
        Turn(s, s.k + kv * s.head_dim, s.scratch);
        Turn(s, s.v + kv * s.head_dim, s.scratch + TurnedFloats(s));
      }
      for (int64_t block = 0; block < s.tokens; block += kBlock) {
        const Range rows = {block, Smaller(block + kBlock, s.tokens)};
        for (int64_t row = rows.begin; row < rows.end; row += kPanel) {
          ByRows(
              Smaller(kPanel, rows.end - row), [&]<int R>() __attribute__((always_inline)) {
                BackwardPanel<R>(s, head, rows, row);
              });
        }
        KeyGradients(s, head, rows);
      }
    }
  }

 private:
  static constexpr int kVectors = S::kRegisters == 32 ? 4 : 2;

  static int64_t Smaller(int64_t a, int64_t b) { return a < b ? a : b; }
  static Range Share(int64_t items, Slice slice) {
    return {items * slice.index / slice.count, items * (slice.index + 1) / slice.count};
  }
  static int64_t TurnedFloats(const StepAttention& s) {
    return RoundUp(s.tokens, kTile) * s.head_dim;
  }
  static int64_t Seen(const StepAttention& s, int64_t row) { return s.causal ? row + 1 : s.tokens; }

  // f.operator()<rows>().
  template <typename F>
  static void ByRows(int64_t rows, F f) {
    switch (rows) {
      case 1:
        return f.template operator()<1>();
      case 2:
        return f.template operator()<2>();
      case 3:
        return f.template operator()<3>();
      case 4:
        return f.template operator()<4>();
      case 5:
        return f.template operator()<5>();
      default:
        return f.template operator()<6>();
    }
  }

  // One head of K or V, [tokens, kv_heads * head_dim], as tiles [head_dim, kTile]; 0 behind it.
  static void Turn(const StepAttention& s, const float* x, float* out) {
    const int64_t stride = s.kv_heads * s.head_dim;
    for (int64_t p = 0; p < RoundUp(s.tokens, kTile); p += S::kLanes) {
      float* tile = out + p / kTile * kTile * s.head_dim + p % kTile;
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        typename S::F32 square[S::kLanes];
        for (int i = 0; i < S::kLanes; ++i) {
          square[i] = p + i < s.tokens ? S::Load(x + (p + i) * stride + d) : S::Zero();
        }
        S::Transpose(square);
        for (int i = 0; i < S::kLanes; ++i) S::Store(tile + (d + i) * kTile, square[i]);
      }
    }
  }

  // out[R, seen] = x y^T, x: [R, head_dim] of a query head, y turned; whole vectors.
  template <int R>
  static void Scores(const StepAttention& s, const float* x, const float* turned, int64_t seen,
                     float* out) {
    for (int64_t p = 0; p < seen; p += kTile) {
      const int64_t vectors = (Smaller(seen - p, kTile) + S::kLanes - 1) / S::kLanes;
      Product<R>(x, s.heads * s.head_dim, 1, turned + p * s.head_dim, kTile, s.head_dim, vectors,
                 false, out + p, ScoreStride(s.tokens));
    }
  }

  template <int R>
  static void ForwardPanel(const StepAttention& s, int64_t head, int64_t row) {
    const int64_t stride = s.heads * s.head_dim;
    const int64_t at = row * stride + head * s.head_dim;
    const int64_t most = Seen(s, row + R - 1);
    float* scores = s.scratch + TurnedFloats(s);
    Scores<R>(s, s.q + at, s.scratch, most, scores);
    float by_sum[R];
    for (int r = 0; r < R; ++r) {
      float* p = scores + r * ScoreStride(s.tokens);
      const int64_t seen = Seen(s, row + r);
      for (int64_t i = seen; i < RoundUp(most, S::kLanes); ++i) p[i] = -3e38f;
      const int64_t end = RoundUp(most, S::kLanes);
      auto max = S::Load(p);
      for (int64_t i = S::kLanes; i < end; i += S::kLanes) max = S::Max(max, S::Load(p + i));
      const float highest = S::ReduceMax(max) * Log2Scale(s);
      auto sum = S::Zero();
      for (int64_t i = 0; i < end; i += S::kLanes) {
        const auto weight =
            Exp2<S>(S::Fma(S::Load(p + i), S::Set1(Log2Scale(s)), S::Set1(-highest)));
        S::Store(p + i, weight);
        sum = S::Add(sum, weight);
      }
      const float total = S::ReduceSum(sum);
      by_sum[r] = 1.0f / total;
      s.log_sums[head * s.tokens + row + r] = highest + __builtin_log2f(total);
    }
    const float* v = s.v + head * s.kv_heads / s.heads * s.head_dim;
    Product<R>(scores, ScoreStride(s.tokens), 1, v, s.kv_heads * s.head_dim, most,
               s.head_dim / S::kLanes, false, s.out + at, stride);
    for (int r = 0; r < R; ++r) {
      float* out = s.out + at + r * stride;
      for (int64_t d = 0; d < s.head_dim; d += S::kLanes) {
        S::Store(out + d, S::Mul(S::Load(out + d), S::Set1(by_sum[r])));
      }
    }
  }

  static float Log2Scale(const StepAttention& s) {
    return 1.44269504f / __builtin_sqrtf(static_cast<float>(s.head_dim));
  }
  static float* Weights(const StepAttention& s) { return s.scratch + 2 * TurnedFloats(s); }
  static float* ScoreGradients(const StepAttention& s) {
    return Weights(s) + kBlock * ScoreStride(s.tokens);
  }

  // P and dS of R rows of the block, 0 where they see nothing up to the end of the block's widest
  // row; and their dQ.
  template <int R>
  static void BackwardPanel(const StepAttention& s, int64_t head, Range block, int64_t row) {
    const int64_t stride = s.heads * s.head_dim;
    const int64_t at = row * stride + head * s.head_dim;
    const int64_t most = Seen(s, row + R - 1);
    const int64_t widest = RoundUp(Seen(s, block.end - 1), S::kLanes);
    float* weights = Weights(s) + (row - block.begin) * ScoreStride(s.tokens);
    float* gradients = ScoreGradients(s) + (row - block.begin) * ScoreStride(s.tokens);
    Scores<R>(s, s.q + at, s.scratch, most, weights);
    Scores<R>(s, s.dout + at, s.scratch + TurnedFloats(s), most, gradients);
    for (int r = 0; r < R; ++r) {
      float* p = weights + r * ScoreStride(s.tokens);
      float* ds = gradients + r * ScoreStride(s.tokens);
      const auto shift = S::Set1(-s.log_sums[head * s.tokens + row + r]);
      const auto d = S::Set1(RowDot(s.dout + at + r * stride, s.out + at + r * stride, s.head_dim));
      const auto scale = S::Set1(1.0f / __builtin_sqrtf(static_cast<float>(s.head_dim)));
      const int64_t end = RoundUp(most, S::kLanes);
      for (int64_t i = 0; i < end; i += S::kLanes) {
        const auto weight = Exp2<S>(S::Fma(S::Load(p + i), S::Set1(Log2Scale(s)), shift));
        S::Store(p + i, weight);
        S::Store(ds + i, S::Mul(S::Mul(weight, scale), S::Sub(S::Load(ds + i), d)));
      }
      for (int64_t i = Seen(s, row + r); i < widest; ++i) p[i] = ds[i] = 0;
    }
    const float* k = s.k + head * s.kv_heads / s.heads * s.head_dim;
    Product<R>(gradients, ScoreStride(s.tokens), 1, k, s.kv_heads * s.head_dim, most,
               s.head_dim / S::kLanes, false, s.dq + at, stride);
  }

  // dV += P^T dO and dK += dS^T Q for the block's rows.
  static void KeyGradients(const StepAttention& s, int64_t head, Range block) {
    const int64_t stride = s.heads * s.head_dim;
    const int64_t width = s.head_dim / S::kLanes;
    const int64_t widest = Seen(s, block.end - 1);
    for (int64_t key = 0; key < widest; key += kPanel) {
      // Earlier rows see none of these keys.
      const int64_t first = s.causal && key > block.begin ? key : block.begin;
      const int64_t at = first * stride + head * s.head_dim;
      const int64_t from = (first - block.begin) * ScoreStride(s.tokens) + key;
      const int64_t to = (head * s.tokens + key) * s.head_dim;
      ByRows(
          Smaller(kPanel, widest - key), [&]<int R>() __attribute__((always_inline)) {
            // The first block that sees a key starts its sums; blocks are whole panels.
            const bool add = s.causal ? key < block.begin : block.begin > 0;
            Product<R>(Weights(s) + from, 1, ScoreStride(s.tokens), s.dout + at, stride,
                       block.end - first, width, add, s.dv + to, s.head_dim);
            Product<R>(ScoreGradients(s) + from, 1, ScoreStride(s.tokens), s.q + at, stride,
                       block.end - first, width, add, s.dk + to, s.head_dim);
          });
    }
  }

  static float RowDot(const float* x, const float* y, int64_t n) {
    auto sum = S::Zero();
    for (int64_t i = 0; i < n; i += S::kLanes) sum = S::Fma(S::Load(x + i), S::Load(y + i), sum);
    return S::ReduceSum(sum);
  }

  // c[R, vectors] = (add ? c : 0) + a[R, depth] b[depth, vectors]; element (r, i) of a lies at
  // a[r * a_row + i * a_step].
  template <int R>
  static void Product(const float* a, int64_t a_row, int64_t a_step, const float* b,
                      int64_t b_stride, int64_t depth, int64_t vectors, bool add, float* c,
                      int64_t c_stride) {
    int64_t j = 0;
    for (; j + kVectors <= vectors; j += kVectors) {
      Columns<R, kVectors>(a, a_row, a_step, b + j * S::kLanes, b_stride, depth, add,
                           c + j * S::kLanes, c_stride);
    }
    for (; j < vectors; ++j) {
      Columns<R, 1>(a, a_row, a_step, b + j * S::kLanes, b_stride, depth, add, c + j * S::kLanes,
                    c_stride);
    }
  }

  template <int R, int kWidth>
  [[gnu::noinline]] static void Columns(const float* a, int64_t a_row, int64_t a_step,
                                        const float* b, int64_t b_stride, int64_t depth, bool add,
                                        float* c, int64_t c_stride) {
    typename S::F32 sum[R][kWidth];
    for (int r = 0; r < R; ++r) {
      for (int j = 0; j < kWidth; ++j) {
        sum[r][j] = add ? S::Load(c + r * c_stride + j * S::kLanes) : S::Zero();
      }
    }
    for (int64_t i = 0; i < depth; ++i) {
      typename S::F32 row[kWidth];
      for (int j = 0; j < kWidth; ++j) row[j] = S::Load(b + j * S::kLanes);
      for (int r = 0; r < R; ++r) {
        const auto factor = S::Set1(a[r * a_row]);
        for (int j = 0; j < kWidth; ++j) sum[r][j] = S::Fma(factor, row[j], sum[r][j]);
      }
      a += a_step;
      b += b_stride;
    }
    for (int r = 0; r < R; ++r) {
      for (int j = 0; j < kWidth; ++j) S::Store(c + r * c_stride + j * S::kLanes, sum[r][j]);
    }
  }
};

}  // namespace wattline::kernels::step_cpu
