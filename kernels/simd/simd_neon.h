// f32 vectors of NEON (armv8.2-a): the interface that simd.h describes.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace wattline::kernels::neon {

struct Simd {
  using F32 = float32x4_t;
  static constexpr int kLanes = 4;
  static constexpr int kRegisters = 32;

  [[gnu::always_inline]] static F32 Zero() { return vdupq_n_f32(0); }
  [[gnu::always_inline]] static F32 Set1(float x) { return vdupq_n_f32(x); }
  [[gnu::always_inline]] static F32 Load(const float* p) { return vld1q_f32(p); }
  [[gnu::always_inline]] static void Store(float* p, F32 x) { vst1q_f32(p, x); }
  [[gnu::always_inline]] static F32 LoadPartial(const float* p, int64_t n) {
    float lanes[4] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  [[gnu::always_inline]] static void StorePartial(float* p, F32 x, int64_t n) {
    float lanes[4];
    vst1q_f32(lanes, x);
    for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
  }

  [[gnu::always_inline]] static F32 Add(F32 a, F32 b) { return vaddq_f32(a, b); }
  [[gnu::always_inline]] static F32 Sub(F32 a, F32 b) { return vsubq_f32(a, b); }
  [[gnu::always_inline]] static F32 Mul(F32 a, F32 b) { return vmulq_f32(a, b); }
  [[gnu::always_inline]] static F32 Div(F32 a, F32 b) { return vdivq_f32(a, b); }
  [[gnu::always_inline]] static F32 Fma(F32 a, F32 b, F32 c) { return vfmaq_f32(c, a, b); }
  [[gnu::always_inline]] static F32 NegFma(F32 a, F32 b, F32 c) { return vfmsq_f32(c, a, b); }
  [[gnu::always_inline]] static F32 Max(F32 a, F32 b) { return vmaxq_f32(a, b); }
  [[gnu::always_inline]] static F32 Min(F32 a, F32 b) { return vminq_f32(a, b); }
  [[gnu::always_inline]] static F32 Abs(F32 x) { return vabsq_f32(x); }
  [[gnu::always_inline]] static F32 Round(F32 x) { return vrndnq_f32(x); }
  [[gnu::always_inline]] static F32 SelectLess(F32 a, F32 b, F32 yes, F32 no) {
    return vbslq_f32(vcltq_f32(a, b), yes, no);
  }
  [[gnu::always_inline]] static F32 Scale2(F32 x, F32 n) {
    const int32x4_t bits = vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(x, vreinterpretq_f32_s32(vshlq_n_s32(bits, 23)));
  }

  [[gnu::always_inline]] static float ReduceSum(F32 x) { return vaddvq_f32(x); }
  [[gnu::always_inline]] static float ReduceMax(F32 x) { return vmaxvq_f32(x); }
  [[gnu::always_inline]] static F32 SumQuad(F32 a, F32 b, F32 c, F32 d) {
    return vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
  }
  [[gnu::always_inline]] static F32 MaxQuad(F32 a, F32 b, F32 c, F32 d) {
    return vpmaxq_f32(vpmaxq_f32(a, b), vpmaxq_f32(c, d));
  }
  [[gnu::always_inline]] static void StoreQuad(F32 q, float* ab, float* cd) {
    vst1_f32(ab, vget_low_f32(q));
    vst1_f32(cd, vget_high_f32(q));
  }

  [[gnu::always_inline]] static F32 LoadF16(const uint16_t* p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
  [[gnu::always_inline]] static void StoreF16(uint16_t* p, F32 x) { vst1_u16(p, F16(x)); }
  [[gnu::always_inline]] static F32 LoadF16Partial(const uint16_t* p, int64_t n) {
    return vcvt_f32_f16(vreinterpret_f16_u16(LoadHalves(p, n)));
  }
  [[gnu::always_inline]] static void StoreF16Partial(uint16_t* p, F32 x, int64_t n) {
    StoreHalves(p, F16(x), n);
  }
  [[gnu::always_inline]] static F32 LoadBf16(const uint16_t* p) { return FromBf16(vld1_u16(p)); }
  [[gnu::always_inline]] static void StoreBf16(uint16_t* p, F32 x) { vst1_u16(p, Bf16(x)); }
  [[gnu::always_inline]] static F32 LoadBf16Partial(const uint16_t* p, int64_t n) {
    return FromBf16(LoadHalves(p, n));
  }
  [[gnu::always_inline]] static void StoreBf16Partial(uint16_t* p, F32 x, int64_t n) {
    StoreHalves(p, Bf16(x), n);
  }

  [[gnu::always_inline]] static void LoadPairs(const float* p, F32& first, F32& second) {
    const float32x4x2_t pairs = vld2q_f32(p);
    first = pairs.val[0];
    second = pairs.val[1];
  }
  [[gnu::always_inline]] static void StorePairs(float* p, F32 first, F32 second) {
    const float32x4x2_t pairs = {{first, second}};  // a macro in clang: no braces in its arguments
    vst2q_f32(p, pairs);
  }

  [[gnu::always_inline]] static void Transpose(F32 (&r)[kLanes]) {
    const auto wide = [](F32 x) { return vreinterpretq_f64_f32(x); };
    const auto narrow = [](float64x2_t x) { return vreinterpretq_f32_f64(x); };
    const F32 a = vtrn1q_f32(r[0], r[1]);
    const F32 b = vtrn2q_f32(r[0], r[1]);
    const F32 c = vtrn1q_f32(r[2], r[3]);
    const F32 d = vtrn2q_f32(r[2], r[3]);
    r[0] = narrow(vtrn1q_f64(wide(a), wide(c)));
    r[1] = narrow(vtrn1q_f64(wide(b), wide(d)));
    r[2] = narrow(vtrn2q_f64(wide(a), wide(c)));
    r[3] = narrow(vtrn2q_f64(wide(b), wide(d)));
  }

 private:
  [[gnu::always_inline]] static uint16x4_t LoadHalves(const uint16_t* p, int64_t n) {
    uint16_t halves[4] = {};
    for (int64_t i = 0; i < n; ++i) halves[i] = p[i];
    return vld1_u16(halves);
  }
  [[gnu::always_inline]] static void StoreHalves(uint16_t* p, uint16x4_t x, int64_t n) {
    uint16_t halves[4];
    vst1_u16(halves, x);
    for (int64_t i = 0; i < n; ++i) p[i] = halves[i];
  }
  [[gnu::always_inline]] static uint16x4_t F16(F32 x) {
    return vreinterpret_u16_f16(vcvt_f16_f32(x));
  }
  [[gnu::always_inline]] static F32 FromBf16(uint16x4_t halves) {
    return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
  }
  [[gnu::always_inline]] static uint16x4_t Bf16(F32 x) {
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t up = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    const uint32x4_t nan = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(x, x), up, nan), 16);
  }
};

}  // namespace wattline::kernels::neon
