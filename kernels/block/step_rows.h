// The small row operations of a step of training as templates over a vector wrapper.
#pragma once

#include <cstdint>

#include "kernels/block/step_kernels.h"
#include "kernels/simd/simd.h"
#include "kernels/slice.h"

namespace wattline::kernels::step_cpu {

template <class S>
class RowsOf {
 public:
  using F32 = typename S::F32;

  static float RmsNormBackward(const float* x, const float* dy, const float* weight, int64_t dim,
                               float eps, float* dx) {
    F32 squares[2] = {S::Zero(), S::Zero()};
    F32 products[2] = {S::Zero(), S::Zero()};
    ForVectors(
        dim, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          const int j = static_cast<int>(i / S::kLanes % 2);
          const F32 value = Load(x + i, n);
          squares[j] = S::Fma(value, value, squares[j]);
          products[j] = S::Fma(S::Mul(Load(dy + i, n), Load(weight + i, n)), value, products[j]);
        });
    const auto count = static_cast<float>(dim);
    const float mean_square = S::ReduceSum(S::Add(squares[0], squares[1])) / count;
    const float r = 1.0f / __builtin_sqrtf(mean_square + eps);
    const float mean = S::ReduceSum(S::Add(products[0], products[1])) / count;
    const F32 by = S::Set1(r);
    const F32 by_x = S::Set1(r * r * r * mean);
    ForVectors(
        dim, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          const F32 direct = S::Mul(S::Mul(Load(dy + i, n), Load(weight + i, n)), by);
          Store(dx + i, S::Add(Load(dx + i, n), S::NegFma(Load(x + i, n), by_x, direct)), n);
        });
    return r;
  }

  static void RmsNormWeight(const float* x, const float* dy, const float* r, int64_t tokens,
                            int64_t dim, Range cols, float* dw) {
    for (int64_t c = cols.begin; c < cols.end; c += 4 * S::kLanes) {
      F32 sum[4] = {S::Zero(), S::Zero(), S::Zero(), S::Zero()};
      for (int64_t t = 0; t < tokens; ++t) {
        for (int j = 0; j < 4; ++j) {
          const int64_t n = Whole(cols.end - c - j * S::kLanes);
          const int64_t at = t * dim + c + j * S::kLanes;
          sum[j] = S::Fma(S::Mul(Load(x + at, n), Load(dy + at, n)), S::Set1(r[t]), sum[j]);
        }
      }
      for (int j = 0; j < 4; ++j) {
        Store(dw + c + j * S::kLanes, sum[j], Whole(cols.end - c - j * S::kLanes));
      }
    }
  }

  static NormRow LayerNormBackward(const float* x, const float* dy, const float* weight,
                                   int64_t dim, float eps, float* dx) {
    const auto count = static_cast<float>(dim);
    F32 sum[2] = {S::Zero(), S::Zero()};
    ForVectors(
        dim, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          const int j = static_cast<int>(i / S::kLanes % 2);
          sum[j] = S::Add(sum[j], Load(x + i, n));
        });
    const float mean = S::ReduceSum(S::Add(sum[0], sum[1])) / count;
    // Squares, gradients, and gradients times z / r; lanes behind the row's end count 0.
    F32 squares = S::Zero(), gradients = S::Zero(), products = S::Zero();
    const F32 shift = S::Set1(mean);
    ForVectors(
        dim, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          const F32 g = S::Mul(Load(dy + i, n), Load(weight + i, n));
          const F32 d = n == S::kLanes ? S::Sub(S::Load(x + i), shift) : Shifted(x + i, mean, n);
          squares = S::Fma(d, d, squares);
          gradients = S::Add(gradients, g);
          products = S::Fma(g, d, products);
        });
    const float r = 1.0f / __builtin_sqrtf(S::ReduceSum(squares) / count + eps);
    const F32 by = S::Set1(r);
    const F32 mean_gradient = S::Set1(S::ReduceSum(gradients) / count);
    const F32 by_d = S::Set1(r * r * r * (S::ReduceSum(products) / count));
    ForVectors(
        dim, [&](int64_t i, int64_t n) __attribute__((always_inline)) {
          const F32 g = S::Mul(Load(dy + i, n), Load(weight + i, n));
          const F32 direct = S::Mul(S::Sub(g, mean_gradient), by);
          const F32 d = S::Sub(Load(x + i, n), shift);
          Store(dx + i, S::Add(Load(dx + i, n), S::NegFma(d, by_d, direct)), n);
        });
    return {mean, r};
  }

  static void LayerNormWeight(const float* x, const float* dy, const NormRow* rows, int64_t tokens,
                              int64_t dim, Range cols, float* dw, float* db) {
    for (int64_t c = cols.begin; c < cols.end; c += S::kLanes) {
      const int64_t n = Whole(cols.end - c);
      F32 weight = S::Zero(), bias = S::Zero();
      for (int64_t t = 0; t < tokens; ++t) {
        const F32 g = Load(dy + t * dim + c, n);
        const F32 z =
            S::Mul(S::Sub(Load(x + t * dim + c, n), S::Set1(rows[t].mean)), S::Set1(rows[t].r));
        weight = S::Fma(g, z, weight);
        bias = S::Add(bias, g);
      }
      Store(dw + c, weight, n);
      Store(db + c, bias, n);
    }
  }

  static void ColumnSums(const float* x, int64_t tokens, int64_t dim, Range cols, float* out) {
    for (int64_t c = cols.begin; c < cols.end; c += S::kLanes) {
      const int64_t n = Whole(cols.end - c);
      F32 sum = S::Zero();
      for (int64_t t = 0; t < tokens; ++t) sum = S::Add(sum, Load(x + t * dim + c, n));
      Store(out + c, sum, n);
    }
  }

  // Phi as in norm_cpu.h's GeluOf, from the same expansion of erfc.
  static void GeluBackward(const float* dh, const float* x, int64_t n, float* dx) {
    const F32 one = S::Set1(1.0f);
    ForVectors(
        n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
          const F32 u = Load(x + i, count);
          const F32 z = S::Mul(S::Abs(u), S::Set1(0.70710678f));
          const F32 t = S::Div(one, S::Fma(z, S::Set1(0.3275911f), one));
          F32 p = S::Set1(1.061405429f);
          p = S::Fma(p, t, S::Set1(-1.453152027f));
          p = S::Fma(p, t, S::Set1(1.421413741f));
          p = S::Fma(p, t, S::Set1(-0.284496736f));
          p = S::Fma(p, t, S::Set1(0.254829592f));
          const F32 e = Exp<S>(S::NegFma(z, z, S::Zero()));
          const F32 tail = S::Mul(S::Mul(S::Set1(0.5f), S::Mul(p, t)), e);
          const F32 phi = S::SelectLess(u, S::Zero(), tail, S::Sub(one, tail));
          const F32 slope = S::Fma(S::Mul(u, S::Set1(0.39894228f)), e, phi);
          Store(dx + i, S::Mul(Load(dh + i, count), slope), count);
        });
  }

  static void SwiGluBackward(const float* dh, const float* gate, const float* up, int64_t n,
                             float* dgate, float* dup) {
    const F32 one = S::Set1(1.0f);
    ForVectors(
        n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
          const F32 g = Load(gate + i, count);
          const F32 d = Load(dh + i, count);
          const F32 s = S::Div(one, S::Add(one, Exp<S>(S::Sub(S::Zero(), g))));
          const F32 gs = S::Mul(g, s);
          // s (1 + g (1 - s)) = s + g s (1 - s)
          const F32 slope = S::Fma(gs, S::Sub(one, s), s);
          Store(dup + i, S::Mul(d, gs), count);
          Store(dgate + i, S::Mul(S::Mul(d, Load(up + i, count)), slope), count);
        });
  }

  static void Bf16FromF32(const float* x, int64_t n, uint16_t* out) {
    int64_t i = 0;
    for (; i + S::kLanes <= n; i += S::kLanes) S::StoreBf16(out + i, S::Load(x + i));
    if (i < n) S::StoreBf16Partial(out + i, S::LoadPartial(x + i, n - i), n - i);
  }

  static void RoundToBf16(int64_t n, float* inout) {
    uint16_t halves[S::kLanes];
    ForVectors(
        n, [&](int64_t i, int64_t count) __attribute__((always_inline)) {
          S::StoreBf16(halves, Load(inout + i, count));
          Store(inout + i, S::LoadBf16(halves), count);
        });
  }

 private:
  // Lanes of a vector that starts `left` elements before the end.
  static int64_t Whole(int64_t left) { return left < 0 ? 0 : left < S::kLanes ? left : S::kLanes; }
  [[gnu::always_inline]] static F32 Load(const float* p, int64_t n) {
    return n == S::kLanes ? S::Load(p) : S::LoadPartial(p, n);
  }
  // The first n of x - mean, 0 behind them.
  static F32 Shifted(const float* x, float mean, int64_t n) {
    float d[S::kLanes] = {};
    for (int64_t i = 0; i < n; ++i) d[i] = x[i] - mean;
    return S::Load(d);
  }
  [[gnu::always_inline]] static void Store(float* p, F32 x, int64_t n) {
    n == S::kLanes ? S::Store(p, x) : S::StorePartial(p, x, n);
  }
  // f(i, lanes): whole vectors first, then what is left.
  template <typename F>
  [[gnu::always_inline]] static void ForVectors(int64_t n, F f) {
    int64_t i = 0;
    for (; i + S::kLanes <= n; i += S::kLanes) f(i, S::kLanes);
    if (i < n) f(i, n - i);
  }
};

}  // namespace wattline::kernels::step_cpu
