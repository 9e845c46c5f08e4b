// What every vector wrapper offers (simd_avx2.h, simd_avx512.h, simd_neon.h), and the exponential,
// written once on top of it.
//
// A wrapper is a struct `Simd` in the namespace of its instruction set, passed as a type parameter
// `S`, so that a template's code exists once per set and under a name of its own:
// - F32, kLanes, kRegisters; Zero, Set1, Load, Store;
// - LoadPartial(p, n), StorePartial(p, x, n): the first n lanes, 0 <= n <= kLanes; 0 behind them;
// - Add, Sub, Mul, Div, Max, Min, Abs; Round: to the nearest even integer;
// - Fma(a, b, c) = a b + c and NegFma(a, b, c) = c - a b, rounded once;
// - SelectLess(a, b, yes, no): a < b ? yes : no in each lane;
// - Scale2(x, n) = x 2^n, n an integer from -126 to 127;
// - ReduceSum, ReduceMax: over the lanes;
// - SumQuad(a, b, c, d), MaxQuad: 128 bits with the sum (maximum) over the lanes of each;
// - StoreQuad(q, ab, cd): its first two numbers to ab[0..1], its last two to cd[0..1];
// - FromQuads(q, r): lanes 0..3 and 4..7, 0 behind; not where kLanes is 4;
// - LoadF16, StoreF16, LoadBf16, StoreBf16, each also Partial: 16-bit patterns, as in float16.h;
// - LoadPairs(p, first, second), StorePairs: p[2 i] and p[2 i + 1] in lane i;
// - Transpose(rows): kLanes x kLanes, in place.
#pragma once

namespace wattline::kernels {

// 2^f, |f| <= 1/2: the minimax polynomial of degree 6 in relative error, 1.9e-9 before rounding
// (degree 5: 7.5e-8, more than half an ulp, for one instruction less).
template <class S>
[[gnu::always_inline]] inline typename S::F32 Exp2Fraction(typename S::F32 f) {
  auto p = S::Set1(0x1.41d334p-13f);
  p = S::Fma(p, f, S::Set1(0x1.5f456ap-10f));
  p = S::Fma(p, f, S::Set1(0x1.3b2dbcp-7f));
  p = S::Fma(p, f, S::Set1(0x1.c6aed4p-5f));
  p = S::Fma(p, f, S::Set1(0x1.ebfbdap-3f));
  p = S::Fma(p, f, S::Set1(0x1.62e430p-1f));
  p = S::Fma(p, f, S::Set1(1.0f));
  return p;
}

// 2^x, relative error at most 2^-23 (measured over every x: 0.80e-7, 2026-11-21); 0 below -126, and
// x counts as 127.49 above that.
template <class S>
[[gnu::always_inline]] inline typename S::F32 Exp2(typename S::F32 x) {
  const auto clamped = S::Min(S::Set1(127.49f), x);
  const auto n = S::Round(clamped);
  const auto f = S::Sub(clamped, n);
  return S::SelectLess(x, S::Set1(-126.0f), S::Zero(), S::Scale2(Exp2Fraction<S>(f), n));
}

// 2^max(x, -126) for x below 127.5, with the error of Exp2: 3 instructions less, where an exact 0
// is not needed.
template <class S>
[[gnu::always_inline]] inline typename S::F32 Exp2AtLeast(typename S::F32 x) {
  const auto clamped = S::Max(S::Set1(-126.0f), x);
  const auto n = S::Round(clamped);
  return S::Scale2(Exp2Fraction<S>(S::Sub(clamped, n)), n);
}

// e^x, relative error at most 2^-23 (measured over every x: 0.99e-7, 2026-11-21); 0 below -87.3,
// and x counts as 88.37 above that. The second part of log2(e) keeps the reduced argument right to
// 2^-25, whatever the size of x.
template <class S>
[[gnu::always_inline]] inline typename S::F32 Exp(typename S::F32 x) {
  constexpr float kLog2E = 0x1.715476p+0f;
  constexpr float kLog2ELow = 0x1.4ae0cp-26f;
  const auto clamped = S::Min(S::Set1(88.37f), x);
  const auto n = S::Round(S::Mul(clamped, S::Set1(kLog2E)));
  auto f = S::Fma(clamped, S::Set1(kLog2E), S::Sub(S::Zero(), n));
  f = S::Fma(clamped, S::Set1(kLog2ELow), f);
  return S::SelectLess(x, S::Set1(-87.3f), S::Zero(), S::Scale2(Exp2Fraction<S>(f), n));
}

}  // namespace wattline::kernels
