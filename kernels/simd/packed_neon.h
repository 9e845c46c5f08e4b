// Packed weights on NEON with dot products: 32 small integers in two registers, 4 f32 at a time.
#pragma once

#if defined(__ARM_FEATURE_DOTPROD)

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

struct Neon {
  struct Bytes {
    uint8x16_t low, high;
  };
  using Sums = float32x4_t;
  using Floats = float32x4_t;
  // Dense rows that meet so many tokens together.
  template <int kTokens>
  static constexpr int kDenseRows = kTokens == 8 ? 1 : kTokens;
  static constexpr int kSumLanes = 4;
  static constexpr int kLanes = 4;

  static Bytes Load(const void* at) {
    const auto* bytes = static_cast<const uint8_t*>(at);
    return {vld1q_u8(bytes), vld1q_u8(bytes + 16)};
  }
  // Element j < 16 is the low half of byte j, element j + 16 the high one.
  static Bytes LoadNibbles(const void* at) {
    const uint8x16_t bytes = vld1q_u8(static_cast<const uint8_t*>(at));
    return {vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8(bytes, 4)};
  }
  // Element 2 j is the low half of byte j, element 2 j + 1 the high one.
  static Bytes LoadNibblePairs(const void* at) {
    const uint8x16_t bytes = vld1q_u8(static_cast<const uint8_t*>(at));
    const uint8x16_t even = vandq_u8(bytes, vdupq_n_u8(15)), odd = vshrq_n_u8(bytes, 4);
    return {vzip1q_u8(even, odd), vzip2q_u8(even, odd)};
  }
  template <int kMask>
  static Bytes And(Bytes a) {
    return {vandq_u8(a.low, vdupq_n_u8(kMask)), vandq_u8(a.high, vdupq_n_u8(kMask))};
  }
  static Bytes Or(Bytes a, Bytes b) { return {vorrq_u8(a.low, b.low), vorrq_u8(a.high, b.high)}; }
  template <int kBits>
  static Bytes Right(Bytes a) {
    return {vshrq_n_u8(a.low, kBits), vshrq_n_u8(a.high, kBits)};
  }
  template <int kBits>
  static Bytes Left(Bytes a) {
    return {vshlq_n_u8(a.low, kBits), vshlq_n_u8(a.high, kBits)};
  }
  template <int kValue>
  static Bytes Subtract(Bytes a) {
    return {vsubq_u8(a.low, vdupq_n_u8(kValue)), vsubq_u8(a.high, vdupq_n_u8(kValue))};
  }

  static float HalfToFloat(const std::byte* at) {
    __fp16 half;
    __builtin_memcpy(&half, at, 2);
    return static_cast<float>(half);
  }
  // f16 numbers, `kStride` bytes apart.
  template <int kStride>
  static void HalvesToFloats(const std::byte* at, float* out) {
    for (int i = 0; i < 8; ++i) out[i] = HalfToFloat(at + i * kStride);
  }
  // Four pairs of f16 numbers, `kStride` bytes apart: each twice.
  template <int kStride>
  static void HalfPairsToFloats(const std::byte* at, float* first, float* second) {
    for (int i = 0; i < 8; ++i) {
      first[i] = HalfToFloat(at + i / 2 * kStride);
      second[i] = HalfToFloat(at + i / 2 * kStride + 2);
    }
  }
  // out[i] = factor * byte i of `bytes`, unsigned; the same with signed bytes at `at`.
  static void Scale8(uint64_t bytes, float factor, float* out) {
    const uint16x8_t wide = vmovl_u8(vcreate_u8(bytes));
    vst1q_f32(out, vmulq_n_f32(vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide))), factor));
    vst1q_f32(out + 4, vmulq_n_f32(vcvtq_f32_u32(vmovl_high_u16(wide)), factor));
  }
  static void ScaleSigned8(const std::byte* at, float factor, float* out) {
    const int16x8_t wide = vmovl_s8(vld1_s8(reinterpret_cast<const int8_t*>(at)));
    vst1q_f32(out, vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), factor));
    vst1q_f32(out + 4, vmulq_n_f32(vcvtq_f32_s32(vmovl_high_s16(wide)), factor));
  }
  static void Multiply8(const float* a, float b, float* out) {
    vst1q_f32(out, vmulq_n_f32(vld1q_f32(a), b));
    vst1q_f32(out + 4, vmulq_n_f32(vld1q_f32(a + 4), b));
  }
  static void Multiply8(const float* a, const float* b, float* out) {
    vst1q_f32(out, vmulq_f32(vld1q_f32(a), vld1q_f32(b)));
    vst1q_f32(out + 4, vmulq_f32(vld1q_f32(a + 4), vld1q_f32(b + 4)));
  }

  static Sums Zero() { return vdupq_n_f32(0.0f); }
  static Sums Add(Sums a, Sums b) { return vaddq_f32(a, b); }
  static Sums MultiplyAdd(Sums sum, Sums a, float b) { return vfmaq_n_f32(sum, a, b); }
  // sum + a[i] b[i] over 8 elements, in any lane; the same for one element.
  static Sums MultiplyAdd8(Sums sum, const float* a, const float* b) {
    sum = vfmaq_f32(sum, vld1q_f32(a), vld1q_f32(b));
    return vfmaq_f32(sum, vld1q_f32(a + 4), vld1q_f32(b + 4));
  }
  static Sums MultiplyAdd1(Sums sum, float a, float b) {
    return vfmaq_n_f32(sum, vsetq_lane_f32(a, vdupq_n_f32(0.0f), 0), b);
  }
  static float Total(Sums a) { return vaddvq_f32(a); }

  // Four sums of eight products each, as f32; q may be signed.
  static Sums Dot(Bytes q, const int8_t* x) { return DotSigned(q, x); }
  static Sums DotSigned(Bytes q, const int8_t* x) {
    const int32x4_t low = vdotq_s32(vdupq_n_s32(0), vreinterpretq_s8_u8(q.low), vld1q_s8(x));
    return vcvtq_f32_s32(vdotq_s32(low, vreinterpretq_s8_u8(q.high), vld1q_s8(x + 16)));
  }
  // The same with a factor for the first 16 elements and one for the last 16.
  static Sums DotHalves(Bytes q, const int8_t* x, float low, float high) {
    const int32x4_t zero = vdupq_n_s32(0);
    const int32x4_t a = vdotq_s32(zero, vreinterpretq_s8_u8(q.low), vld1q_s8(x));
    const int32x4_t b = vdotq_s32(zero, vreinterpretq_s8_u8(q.high), vld1q_s8(x + 16));
    return vfmaq_n_f32(vmulq_n_f32(vcvtq_f32_s32(a), low), vcvtq_f32_s32(b), high);
  }

  // out[i] = q[i] * scale + offset, low and high 16 elements with their own.
  static constexpr float kStoreScale = 1.0f;
  template <class Out>
  static void Store(Bytes q, float scale0, float offset0, float scale1, float offset1, Out* out) {
    StoreSixteen(vreinterpretq_s8_u8(q.low), scale0, offset0, out);
    StoreSixteen(vreinterpretq_s8_u8(q.high), scale1, offset1, out + 16);
  }
  template <class Out>
  static void StoreSixteen(int8x16_t q, float scale, float offset, Out* out) {
    const int16x8_t low = vmovl_s8(vget_low_s8(q)), high = vmovl_high_s8(q);
    const auto value = [=](int32x4_t wide) {
      return vfmaq_n_f32(vdupq_n_f32(offset), vcvtq_f32_s32(wide), scale);
    };
    StoreLanes(value(vmovl_s16(vget_low_s16(low))), out);
    StoreLanes(value(vmovl_high_s16(low)), out + 4);
    StoreLanes(value(vmovl_s16(vget_low_s16(high))), out + 8);
    StoreLanes(value(vmovl_high_s16(high)), out + 12);
  }
  static void StoreLanes(Floats value, float* out) { vst1q_f32(out, value); }
  // bf16, nearest even. A NaN whose upper 16 bits hold its payload, as all that arithmetic makes,
  // stays one.
  static void StoreLanes(Floats value, uint16_t* out) {
    const uint32x4_t bits = vreinterpretq_u32_f32(value);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    vst1_u16(out, vshrn_n_u32(rounded, 16));
  }

  // kLanes elements of a dense format.
  template <Format kFormat>
  static Floats LoadLanes(const std::byte* at) {
    if constexpr (kFormat == Format::kF32) {
      return vreinterpretq_f32_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(at)));
    } else {
      const uint8x8_t bytes = vld1_u8(reinterpret_cast<const uint8_t*>(at));
      if constexpr (kFormat == Format::kF16) return vcvt_f32_f16(vreinterpret_f16_u8(bytes));
      return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(bytes), 16));
    }
  }
  static Floats ZeroFloats() { return vdupq_n_f32(0.0f); }
  static Floats AddFloats(Floats a, Floats b) { return vaddq_f32(a, b); }
  static Floats MultiplyAddFloats(Floats sum, Floats a, const float* b) {
    return vfmaq_f32(sum, a, vld1q_f32(b));
  }
  static float TotalFloats(Floats a) { return vaddvq_f32(a); }

  static float LargestMagnitude32(const float* x) {
    float32x4_t largest = vdupq_n_f32(0.0f);
    for (int i = 0; i < 32; i += 4) largest = vmaxq_f32(largest, vabsq_f32(vld1q_f32(x + i)));
    return vmaxvq_f32(largest);
  }
  // q[i] = the integer nearest to x[i] * factor; returns their sum.
  static float Round32(const float* x, float factor, int8_t* q) {
    int total = 0;
    for (int i = 0; i < 32; i += 8) {
      const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i), factor));
      const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i + 4), factor));
      const int8x8_t bytes = vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
      vst1_s8(q + i, bytes);
      total += vaddlv_s8(bytes);
    }
    return static_cast<float>(total);
  }

  // Multiplying by a lane of a register is free.
  template <class Number, int kCount>
  static void InMemory(Number (&)[kCount]) {}

  // Asks for the line 4 KiB ahead of `at`. Inlined at once: a function that only prefetches has no
  // effect in g++ 12's eyes, and its calls go.
  [[gnu::always_inline]] static void Prefetch(const std::byte* at) {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(at) + 4096));
  }
  static constexpr bool AsksAhead() { return true; }
};

}  // namespace wattline::kernels

#endif  // __ARM_FEATURE_DOTPROD
