// The ceilings' loops for NEON of armv8.2 with dot products. 24 chains: 4 pipes x 4 cycles of
// latency on the widest cores, and half as much again. See the AVX-512 file for why the loops are
// asm.
#include <arm_neon.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/stream_cpu.h"

namespace wattline::kernels::neon {
namespace {

double Total(const float (&sums)[24 * 4]) {
  double total = 0;
  for (float sum : sums) total += sum;
  return total;
}
double Total(const int32_t (&sums)[24 * 4]) {
  double total = 0;
  for (int32_t sum : sums) total += sum;
  return total;
}

double PeakF32(int64_t steps) {
  alignas(64) float ones[4];
  for (float& one : ones) one = 1.0f;
  alignas(64) float sums[24 * 4];
  asm volatile(
      "ldr q30, [%[ones]]\n\t"
      "mov v31.16b, v30.16b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "movi v\\r\\().4s, #0\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "fmla v\\r\\().4s, v30.4s, v31.4s\n\t"
      ".endr\n\t"
      "subs %[steps], %[steps], #1\n\t"
      "b.ne 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "str q\\r, [%[out], #(\\r*16)]\n\t"
      ".endr\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  alignas(64) int8_t ones[16];
  for (int8_t& one : ones) one = 1;
  alignas(64) int32_t sums[24 * 4];
  asm volatile(
      "ldr q30, [%[ones]]\n\t"
      "mov v31.16b, v30.16b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "movi v\\r\\().4s, #0\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "sdot v\\r\\().4s, v30.16b, v31.16b\n\t"
      ".endr\n\t"
      "subs %[steps], %[steps], #1\n\t"
      "b.ne 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
      "str q\\r, [%[out], #(\\r*16)]\n\t"
      ".endr\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
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

const StreamKernel kStreams[kStreamsPerIsa] = {
    {StreamKind::kRead, "v 1 stream, loads only", Load<Quad, 1>, false},
    {StreamKind::kRead, "v 2 streams, loads only", Load<Quad, 2>, false},
    {StreamKind::kRead, "v 4 streams, loads only", Load<Quad, 4>, false},
    {StreamKind::kRead, "v 1 stream", Read<Quad, 1>},
    {StreamKind::kRead, "v 2 streams", Read<Quad, 2>},
    {StreamKind::kRead, "v 4 streams", Read<Quad, 4>},
    {StreamKind::kRead, "v 8 streams", Read<Quad, 8>},
    {StreamKind::kRead, "v 1 stream, prefetch 1 KiB", Read<Quad, 1, 256>},
    {StreamKind::kRead, "v 1 stream, prefetch 4 KiB", Read<Quad, 1, 1024>},
    {StreamKind::kRead, "v 4 streams, prefetch 1 KiB", Read<Quad, 4, 256>},
    {StreamKind::kWrite, "v 1 stream", Stream<Quad, WriteOp<Quad>, 1, false>},
    {StreamKind::kWrite, "v 4 streams", Stream<Quad, WriteOp<Quad>, 4, false>},
    {StreamKind::kWrite, "v 1 stream, non-temporal", Stream<Quad, WriteOp<Quad>, 1, true>},
    {StreamKind::kWrite, "v 4 streams, non-temporal", Stream<Quad, WriteOp<Quad>, 4, true>},
    {StreamKind::kCopy, "v 1 stream", Stream<Quad, CopyOp<Quad>, 1, false>},
    {StreamKind::kCopy, "v 2 streams", Stream<Quad, CopyOp<Quad>, 2, false>},
    {StreamKind::kCopy, "v 1 stream, non-temporal", Stream<Quad, CopyOp<Quad>, 1, true>},
    {StreamKind::kCopy, "v 2 streams, non-temporal", Stream<Quad, CopyOp<Quad>, 2, true>},
    {StreamKind::kTriad, "v 1 stream", Stream<Quad, TriadOp<Quad>, 1, false>},
    {StreamKind::kTriad, "v 1 stream, non-temporal", Stream<Quad, TriadOp<Quad>, 1, true>},
};

}  // namespace wattline::kernels::neon
