// The entry points of the small row operations, one set per instruction set (CpuKernels has their
// laws), and their bodies as templates over its vector wrapper.
#pragma once

#include <cstdint>

#include "kernels/norm/norm.h"
#include "kernels/simd/pair.h"
#include "kernels/simd/simd.h"

namespace wattline::kernels {

void RmsNormAvx2(const float* x, const float* weight, int64_t dim, float eps, float* out);
void LayerNormAvx2(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                   float* out);
void RopeAvx2(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout);
void SwiGluAvx2(const float* gate, const float* up, int64_t n, float* out);
void GeluAvx2(const float* x, int64_t n, float* out);
void AddAvx2(const float* x, int64_t n, float* inout);
void F16FromF32Avx2(const float* x, int64_t n, uint16_t* out);

void RmsNormAvx512(const float* x, const float* weight, int64_t dim, float eps, float* out);
void LayerNormAvx512(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                     float* out);
void RopeAvx512(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout);
void SwiGluAvx512(const float* gate, const float* up, int64_t n, float* out);
void GeluAvx512(const float* x, int64_t n, float* out);
void AddAvx512(const float* x, int64_t n, float* inout);
void F16FromF32Avx512(const float* x, int64_t n, uint16_t* out);

void RmsNormNeon(const float* x, const float* weight, int64_t dim, float eps, float* out);
void LayerNormNeon(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                   float* out);
void RopeNeon(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout);
void SwiGluNeon(const float* gate, const float* up, int64_t n, float* out);
void GeluNeon(const float* x, int64_t n, float* out);
void AddNeon(const float* x, int64_t n, float* inout);
void F16FromF32Neon(const float* x, int64_t n, uint16_t* out);

namespace norm_cpu {

// Calls full(i) for every whole vector of [0, n), then part(i, rest) for what is left.
template <class S, typename Full, typename Part>
[[gnu::always_inline]] inline void ForVectors(int64_t n, Full full, Part part) {
  int64_t i = 0;
  for (; i + S::kLanes <= n; i += S::kLanes) full(i);
  if (i < n) part(i, n - i);
}

// Sum over i < dim of term(x[i] - shift, same): 4 sums in flight, since one chain of additions
// would wait 4 cycles for each vector.
template <class S, bool kSquare>
[[gnu::always_inline]] inline float SumShifted(const float* x, int64_t dim, float shift) {
  const auto add = [](typename S::F32 d, typename S::F32 sum) {
    if constexpr (kSquare) return S::Fma(d, d, sum);
    return S::Add(d, sum);
  };
  const auto s = S::Set1(shift);
  typename S::F32 sum[4] = {S::Zero(), S::Zero(), S::Zero(), S::Zero()};
  int64_t i = 0;
  for (; i + 4 * S::kLanes <= dim; i += 4 * S::kLanes) {
    for (int j = 0; j < 4; ++j) sum[j] = add(S::Sub(S::Load(x + i + j * S::kLanes), s), sum[j]);
  }
  for (; i + S::kLanes <= dim; i += S::kLanes) sum[0] = add(S::Sub(S::Load(x + i), s), sum[0]);
  float rest = 0;
  for (; i < dim; ++i) {
    const float d = x[i] - shift;
    rest += kSquare ? d * d : d;
  }
  return S::ReduceSum(S::Add(S::Add(sum[0], sum[1]), S::Add(sum[2], sum[3]))) + rest;
}

template <class S>
void RmsNorm(const float* x, const float* weight, int64_t dim, float eps, float* out) {
  const float mean_square = SumShifted<S, true>(x, dim, 0.0f) / static_cast<float>(dim);
  const auto scale = S::Set1(1.0f / __builtin_sqrtf(mean_square + eps));
  ForVectors<S>(
      dim,
      [&](int64_t i) {
        S::Store(out + i, S::Mul(S::Mul(S::Load(x + i), scale), S::Load(weight + i)));
      },
      [&](int64_t i, int64_t n) {
        const auto w = S::LoadPartial(weight + i, n);
        S::StorePartial(out + i, S::Mul(S::Mul(S::LoadPartial(x + i, n), scale), w), n);
      });
}

// Two passes: a sum of squares less the squared mean would cancel.
template <class S>
void LayerNorm(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
               float* out) {
  const float mean = SumShifted<S, false>(x, dim, 0.0f) / static_cast<float>(dim);
  const float variance = SumShifted<S, true>(x, dim, mean) / static_cast<float>(dim);
  const auto shift = S::Set1(mean);
  const auto scale = S::Set1(1.0f / __builtin_sqrtf(variance + eps));
  ForVectors<S>(
      dim,
      [&](int64_t i) {
        const auto y = S::Mul(S::Sub(S::Load(x + i), shift), scale);
        S::Store(out + i, S::Fma(y, S::Load(weight + i), S::Load(bias + i)));
      },
      [&](int64_t i, int64_t n) {
        const auto y = S::Mul(S::Sub(S::LoadPartial(x + i, n), shift), scale);
        const auto w = S::LoadPartial(weight + i, n);
        S::StorePartial(out + i, S::Fma(y, w, S::LoadPartial(bias + i, n)), n);
      });
}

template <class S>
void Rope(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout) {
  const int64_t pairs = rope_dim / 2;
  const bool adjacent = layout == RopeLayout::kAdjacent;
  int64_t i = 0;
  for (; i + S::kLanes <= pairs; i += S::kLanes) {
    typename S::F32 cos, sin, a, b;
    S::LoadPairs(cos_sin + 2 * i, cos, sin);
    if (adjacent) {
      S::LoadPairs(head + 2 * i, a, b);
    } else {
      a = S::Load(head + i);
      b = S::Load(head + pairs + i);
    }
    const auto first = S::NegFma(b, sin, S::Mul(a, cos));
    const auto second = S::Fma(b, cos, S::Mul(a, sin));
    if (adjacent) {
      S::StorePairs(head + 2 * i, first, second);
    } else {
      S::Store(head + i, first);
      S::Store(head + pairs + i, second);
    }
  }
  for (; i < pairs; ++i) {
    float* first = head + (adjacent ? 2 * i : i);
    float* second = adjacent ? first + 1 : first + pairs;
    const float a = *first;
    const float b = *second;
    *first = a * cos_sin[2 * i] - b * cos_sin[2 * i + 1];
    *second = a * cos_sin[2 * i + 1] + b * cos_sin[2 * i];
  }
}

template <class S>
[[gnu::always_inline]] inline typename S::F32 SwiGluOf(typename S::F32 gate, typename S::F32 up) {
  const auto e = Exp<S>(S::Sub(S::Zero(), gate));
  return S::Mul(S::Div(gate, S::Add(S::Set1(1.0f), e)), up);
}

// Four vectors at a time: 2.9 Gelem/s of AVX-512 and 2.0 of AVX2 on one core at 2.8 GHz, one vector
// 2.4 and 1.8 (Emerald Rapids VM, 2026-11-21). 2.9 is what vdivps allows there; vrcp14ps and a step
// of Newton's method in its place are no faster, 2.7.
template <class S>
void SwiGlu(const float* gate, const float* up, int64_t n, float* out) {
  using P = Pair<Pair<S>>;
  int64_t first = 0;
  for (; first + P::kLanes <= n; first += P::kLanes) {
    P::Store(out + first, SwiGluOf<P>(P::Load(gate + first), P::Load(up + first)));
  }
  gate += first, up += first, out += first;
  ForVectors<S>(
      n - first,
      [&](int64_t i) { S::Store(out + i, SwiGluOf<S>(S::Load(gate + i), S::Load(up + i))); },
      [&](int64_t i, int64_t k) {
        const auto y = SwiGluOf<S>(S::LoadPartial(gate + i, k), S::LoadPartial(up + i, k));
        S::StorePartial(out + i, y, k);
      });
}

// x Phi(x). With z = |x| / sqrt 2 and t = 1 / (1 + 0.3275911 z), erfc(z) is t times a polynomial of
// degree 4 in t times exp(-z^2), within 1.5e-7 (Abramowitz and Stegun 7.1.26). erfc(z) / 2 is the
// part below 0 itself, so that nothing cancels there.
template <class S>
[[gnu::always_inline]] inline typename S::F32 GeluOf(typename S::F32 x) {
  const auto z = S::Mul(S::Abs(x), S::Set1(0.70710678f));
  const auto t = S::Div(S::Set1(1.0f), S::Fma(z, S::Set1(0.3275911f), S::Set1(1.0f)));
  auto p = S::Set1(1.061405429f);
  p = S::Fma(p, t, S::Set1(-1.453152027f));
  p = S::Fma(p, t, S::Set1(1.421413741f));
  p = S::Fma(p, t, S::Set1(-0.284496736f));
  p = S::Fma(p, t, S::Set1(0.254829592f));
  const auto tail = S::Mul(S::Mul(S::Set1(0.5f), S::Mul(p, t)), Exp<S>(S::NegFma(z, z, S::Zero())));
  return S::Mul(x, S::SelectLess(x, S::Zero(), tail, S::Sub(S::Set1(1.0f), tail)));
}

template <class S>
void Gelu(const float* x, int64_t n, float* out) {
  using P = Pair<Pair<S>>;
  int64_t first = 0;
  for (; first + P::kLanes <= n; first += P::kLanes) {
    P::Store(out + first, GeluOf<P>(P::Load(x + first)));
  }
  x += first, out += first;
  ForVectors<S>(
      n - first, [&](int64_t i) { S::Store(out + i, GeluOf<S>(S::Load(x + i))); },
      [&](int64_t i, int64_t k) {
        S::StorePartial(out + i, GeluOf<S>(S::LoadPartial(x + i, k)), k);
      });
}

template <class S>
void AddRow(const float* x, int64_t n, float* inout) {
  ForVectors<S>(
      n, [&](int64_t i) { S::Store(inout + i, S::Add(S::Load(inout + i), S::Load(x + i))); },
      [&](int64_t i, int64_t k) {
        const auto sum = S::Add(S::LoadPartial(inout + i, k), S::LoadPartial(x + i, k));
        S::StorePartial(inout + i, sum, k);
      });
}

template <class S>
void F16FromF32(const float* x, int64_t n, uint16_t* out) {
  ForVectors<S>(
      n, [&](int64_t i) { S::StoreF16(out + i, S::Load(x + i)); },
      [&](int64_t i, int64_t k) { S::StoreF16Partial(out + i, S::LoadPartial(x + i, k), k); });
}

}  // namespace norm_cpu
}  // namespace wattline::kernels
