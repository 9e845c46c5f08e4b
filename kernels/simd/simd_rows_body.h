// The rows of simd_rows.h as templates over a vector wrapper.
#pragma once

#include <cstdint>

#include "kernels/simd/simd.h"
#include "kernels/simd/simd_rows.h"

namespace wattline::kernels {

template <class S>
struct SimdRowsOf {
  static constexpr int64_t kStep = S::kLanes;

  static void ExpRow(const float* x, int64_t n, float* out) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) S::Store(out + i, Exp<S>(S::Load(x + i)));
    S::StorePartial(out + i, Exp<S>(S::LoadPartial(x + i, n - i)), n - i);
  }
  static void Exp2Row(const float* x, int64_t n, float* out) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) S::Store(out + i, Exp2<S>(S::Load(x + i)));
    S::StorePartial(out + i, Exp2<S>(S::LoadPartial(x + i, n - i)), n - i);
  }
  static void F32FromF16(const uint16_t* x, int64_t n, float* out) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) S::Store(out + i, S::LoadF16(x + i));
    S::StorePartial(out + i, S::LoadF16Partial(x + i, n - i), n - i);
  }
  static void F32FromBf16(const uint16_t* x, int64_t n, float* out) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) S::Store(out + i, S::LoadBf16(x + i));
    S::StorePartial(out + i, S::LoadBf16Partial(x + i, n - i), n - i);
  }
  static void Bf16FromF32(const float* x, int64_t n, uint16_t* out) {
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) S::StoreBf16(out + i, S::Load(x + i));
    S::StoreBf16Partial(out + i, S::LoadPartial(x + i, n - i), n - i);
  }
  static float Sum(const float* x, int64_t n) {
    auto sum = S::Zero();
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) sum = S::Add(sum, S::Load(x + i));
    return S::ReduceSum(S::Add(sum, S::LoadPartial(x + i, n - i)));
  }
  static float Maximum(const float* x, int64_t n) {
    auto max = S::Set1(x[0]);
    int64_t i = 0;
    for (; i + kStep <= n; i += kStep) max = S::Max(max, S::Load(x + i));
    float result = S::ReduceMax(max);
    for (; i < n; ++i) result = x[i] > result ? x[i] : result;
    return result;
  }

  static constexpr SimdRows kTable = {.exp = ExpRow,
                                      .exp2 = Exp2Row,
                                      .f32_from_f16 = F32FromF16,
                                      .f32_from_bf16 = F32FromBf16,
                                      .bf16_from_f32 = Bf16FromF32,
                                      .sum = Sum,
                                      .max = Maximum};
};

}  // namespace wattline::kernels
