// The ceilings' loops for AVX2 with FMA. 12 chains: 2 ports x 5 cycles of latency, and 4 of the 16
// registers left for operands. See the AVX-512 file for why the loops are asm.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/stream_cpu.h"

namespace wattline::kernels::avx2 {
namespace {

double Total(const float (&sums)[12 * 8]) {
  double total = 0;
  for (float sum : sums) total += sum;
  return total;
}
double Total(const int32_t (&sums)[12 * 8]) {
  double total = 0;
  for (int32_t sum : sums) total += sum;
  return total;
}

double PeakF32(int64_t steps) {
  alignas(64) float ones[8];
  for (float& one : ones) one = 1.0f;
  alignas(64) float sums[12 * 8];
  asm volatile(
      "vmovups (%[ones]), %%ymm14\n\t"
      "vmovaps %%ymm14, %%ymm15\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vfmadd231ps %%ymm14, %%ymm15, %%ymm\\r\n\t"
      ".endr\n\t"
      "decq %[steps]\n\t"
      "jnz 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vmovups %%ymm\\r, (\\r*32)(%[out])\n\t"
      ".endr\n\t"
      "vzeroupper\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
  return Total(sums);
}

// Ones of 16 bits, in ymm13, are the bytes shifted right.
double PeakInt8(int64_t steps) {
  alignas(64) uint8_t ones[32];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[12 * 8];
  asm volatile(
      "vmovups (%[ones]), %%ymm14\n\t"
      "vmovaps %%ymm14, %%ymm15\n\t"
      "vpsrlw $8, %%ymm14, %%ymm13\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n\t"
      ".endr\n\t"
      ".p2align 6\n\t"
      "1:\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n\t"
      "vpmaddwd %%ymm13, %%ymm12, %%ymm12\n\t"
      "vpaddd %%ymm12, %%ymm\\r, %%ymm\\r\n\t"
      ".endr\n\t"
      "decq %[steps]\n\t"
      "jnz 1b\n\t"
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vmovups %%ymm\\r, (\\r*32)(%[out])\n\t"
      ".endr\n\t"
      "vzeroupper\n\t"
      : [steps] "+r"(steps)
      : [ones] "r"(ones), [out] "r"(sums)
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
  return Total(sums);
}

struct Ymm {
  using Words = __m256i;
  static constexpr int64_t kLanes = 8;
  static Words Zero() { return _mm256_setzero_si256(); }
  static Words Load(const float* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Words Add(Words x, Words y) { return _mm256_add_epi32(x, y); }
  static uint32_t Sum(Words x) {
    alignas(32) uint32_t words[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(words), x);
    uint32_t sum = 0;
    for (uint32_t word : words) sum += word;
    return sum;
  }
  static Words Splat(float x) { return _mm256_castps_si256(_mm256_set1_ps(x)); }
  static Words MulAdd(Words x, Words y, Words z) {
    return _mm256_castps_si256(
        _mm256_fmadd_ps(_mm256_castsi256_ps(y), _mm256_castsi256_ps(z), _mm256_castsi256_ps(x)));
  }
  static void Store(float* p, Words x) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), x); }
  static void StoreNt(float* p, Words x) { _mm256_stream_si256(reinterpret_cast<__m256i*>(p), x); }
  static void Fence() { _mm_sfence(); }
  static void Touch(const float* p) {
    Words word;
    asm volatile("vmovups %[x], %[word]"
                 : [word] "=x"(word)
                 : [x] "m"(*reinterpret_cast<const __m256i*>(p)));
  }
  static Words Opaque(Words x) {
    asm volatile("" : "+x"(x));
    return x;
  }
};

}  // namespace

const PeakKernel kPeaks[kAvx2Peaks] = {
    {PeakFormat::kF32, "vfmadd231ps ymm x12", 2.0 * 8 * 12, PeakF32},
    // AVX2 has no instruction for bf16: operands are widened to f32, whose peak is then the limit.
    {PeakFormat::kBF16, "vfmadd231ps ymm x12 (bf16 widened to f32)", 2.0 * 8 * 12, PeakF32},
    // Three instructions per 32 products: bytes to sums of two, to sums of four, to the
    // accumulator.
    {PeakFormat::kInt8, "vpmaddubsw+vpmaddwd+vpaddd ymm x12", 2.0 * 32 * 12, PeakInt8},
};

const StreamKernel kStreams[kStreamsPerIsa] = {
    {StreamKind::kRead, "ymm 1 stream, loads only", Load<Ymm, 1>, false},
    {StreamKind::kRead, "ymm 2 streams, loads only", Load<Ymm, 2>, false},
    {StreamKind::kRead, "ymm 4 streams, loads only", Load<Ymm, 4>, false},
    {StreamKind::kRead, "ymm 1 stream", Read<Ymm, 1>},
    {StreamKind::kRead, "ymm 2 streams", Read<Ymm, 2>},
    {StreamKind::kRead, "ymm 4 streams", Read<Ymm, 4>},
    {StreamKind::kRead, "ymm 8 streams", Read<Ymm, 8>},
    {StreamKind::kRead, "ymm 1 stream, prefetch 1 KiB", Read<Ymm, 1, 256>},
    {StreamKind::kRead, "ymm 1 stream, prefetch 4 KiB", Read<Ymm, 1, 1024>},
    {StreamKind::kRead, "ymm 4 streams, prefetch 1 KiB", Read<Ymm, 4, 256>},
    {StreamKind::kWrite, "ymm 1 stream", Stream<Ymm, WriteOp<Ymm>, 1, false>},
    {StreamKind::kWrite, "ymm 4 streams", Stream<Ymm, WriteOp<Ymm>, 4, false>},
    {StreamKind::kWrite, "ymm 1 stream, non-temporal", Stream<Ymm, WriteOp<Ymm>, 1, true>},
    {StreamKind::kWrite, "ymm 4 streams, non-temporal", Stream<Ymm, WriteOp<Ymm>, 4, true>},
    {StreamKind::kCopy, "ymm 1 stream", Stream<Ymm, CopyOp<Ymm>, 1, false>},
    {StreamKind::kCopy, "ymm 2 streams", Stream<Ymm, CopyOp<Ymm>, 2, false>},
    {StreamKind::kCopy, "ymm 1 stream, non-temporal", Stream<Ymm, CopyOp<Ymm>, 1, true>},
    {StreamKind::kCopy, "ymm 2 streams, non-temporal", Stream<Ymm, CopyOp<Ymm>, 2, true>},
    {StreamKind::kTriad, "ymm 1 stream", Stream<Ymm, TriadOp<Ymm>, 1, false>},
    {StreamKind::kTriad, "ymm 1 stream, non-temporal", Stream<Ymm, TriadOp<Ymm>, 1, true>},
};

}  // namespace wattline::kernels::avx2
