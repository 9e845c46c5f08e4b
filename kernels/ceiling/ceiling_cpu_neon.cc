// The ceilings' loops for NEON of armv8.2 with dot products.
#include <arm_neon.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_neon.h"
#include "kernels/ceiling/stream_cpu.h"

namespace wattline::kernels::neon {
namespace {

double PeakF32(int64_t steps) {
  alignas(64) float ones[4];
  for (float& one : ones) one = 1.0f;
  alignas(64) float sums[24 * 4];
  WATTLINE_PEAK_NEON("fmla v\\r\\().4s, v30.4s, v31.4s\n\t");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  alignas(64) int8_t ones[16];
  for (int8_t& one : ones) one = 1;
  alignas(64) int32_t sums[24 * 4];
  WATTLINE_PEAK_NEON("sdot v\\r\\().4s, v30.16b, v31.16b\n\t");
  return Total(sums);
}

struct Quad {
  using Words = uint32x4_t;
  static constexpr int64_t kLanes = 4;
  static Words Zero() { return vdupq_n_u32(0); }
  static Words Load(const float* p) { return vreinterpretq_u32_f32(vld1q_f32(p)); }
  static Words Add(Words x, Words y) { return vaddq_u32(x, y); }
  static uint32_t Sum(Words x) { return vaddvq_u32(x); }
  static Words Splat(float x) { return vreinterpretq_u32_f32(vdupq_n_f32(x)); }
  static Words MulAdd(Words x, Words y, Words z) {
    return vreinterpretq_u32_f32(
        vfmaq_f32(vreinterpretq_f32_u32(x), vreinterpretq_f32_u32(y), vreinterpretq_f32_u32(z)));
  }
  static void Store(float* p, Words x) { vst1q_f32(p, vreinterpretq_f32_u32(x)); }
  // A pair with the hint that it will not be read soon; arm64 has no single one. The lower half of
  // the vector goes with the upper one.
  static void StoreNt(float* p, Words x) {
    const uint64x2_t halves = vreinterpretq_u64_u32(x);
    asm volatile("stnp %d[low], %d[high], [%[p]]"
                 :
                 : [low] "w"(vget_low_u64(halves)), [high] "w"(vget_high_u64(halves)), [p] "r"(p)
                 : "memory");
  }
  static void Fence() { asm volatile("dmb ishst" ::: "memory"); }
  static void Touch(const float* p) {
    Words word;
    asm volatile("ldr %q[word], %[x]"
                 : [word] "=w"(word)
                 : [x] "m"(*reinterpret_cast<const uint32x4_t*>(p)));
  }
  static Words Opaque(Words x) {
    asm volatile("" : "+w"(x));
    return x;
  }
};

}  // namespace

const PeakKernel kPeaks[kNeonPeaks] = {
    {PeakFormat::kF32, "fmla v.4s x24", 2.0 * 4 * 24, PeakF32},
    // armv8.2 has no instruction for bf16: operands are widened to f32, whose peak is the limit.
    {PeakFormat::kBF16, "fmla v.4s x24 (bf16 widened to f32)", 2.0 * 4 * 24, PeakF32},
    {PeakFormat::kInt8, "sdot v.4s x24", 2.0 * 16 * 24, PeakInt8},
};

const StreamKernel kStreams[kStreamsPerIsa] = {WATTLINE_STREAMS(Quad, "v")};

}  // namespace wattline::kernels::neon
