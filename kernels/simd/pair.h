// Two vectors as one, for long chains of dependent operations: Pair<S> offers the part of S
// (simd.h) that elementwise functions need, Pair<Pair<S>> four vectors. The chains' operations then
// alternate, so that few of them wait in the CPU's scheduler: it holds about four exponentials and
// cannot see a fifth before the first is done.
#pragma once

#include <cstdint>

namespace wattline::kernels {

template <class S>
struct Pair {
  using Half = typename S::F32;
  struct F32 {
    Half a, b;
  };
  static constexpr int kLanes = 2 * S::kLanes;

  [[gnu::always_inline]] static F32 Zero() { return {S::Zero(), S::Zero()}; }
  [[gnu::always_inline]] static F32 Set1(float x) { return {S::Set1(x), S::Set1(x)}; }
  [[gnu::always_inline]] static F32 Load(const float* p) {
    return {S::Load(p), S::Load(p + S::kLanes)};
  }
  [[gnu::always_inline]] static void Store(float* p, F32 x) {
    S::Store(p, x.a);
    S::Store(p + S::kLanes, x.b);
  }
  [[gnu::always_inline]] static F32 Add(F32 x, F32 y) {
    return {S::Add(x.a, y.a), S::Add(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Sub(F32 x, F32 y) {
    return {S::Sub(x.a, y.a), S::Sub(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Mul(F32 x, F32 y) {
    return {S::Mul(x.a, y.a), S::Mul(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Div(F32 x, F32 y) {
    return {S::Div(x.a, y.a), S::Div(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Max(F32 x, F32 y) {
    return {S::Max(x.a, y.a), S::Max(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Min(F32 x, F32 y) {
    return {S::Min(x.a, y.a), S::Min(x.b, y.b)};
  }
  [[gnu::always_inline]] static F32 Abs(F32 x) { return {S::Abs(x.a), S::Abs(x.b)}; }
  [[gnu::always_inline]] static F32 Round(F32 x) { return {S::Round(x.a), S::Round(x.b)}; }
  [[gnu::always_inline]] static F32 Fma(F32 x, F32 y, F32 z) {
    return {S::Fma(x.a, y.a, z.a), S::Fma(x.b, y.b, z.b)};
  }
  [[gnu::always_inline]] static F32 NegFma(F32 x, F32 y, F32 z) {
    return {S::NegFma(x.a, y.a, z.a), S::NegFma(x.b, y.b, z.b)};
  }
  [[gnu::always_inline]] static F32 SelectLess(F32 x, F32 y, F32 yes, F32 no) {
    return {S::SelectLess(x.a, y.a, yes.a, no.a), S::SelectLess(x.b, y.b, yes.b, no.b)};
  }
  [[gnu::always_inline]] static F32 Scale2(F32 x, F32 n) {
    return {S::Scale2(x.a, n.a), S::Scale2(x.b, n.b)};
  }
};

}  // namespace wattline::kernels
