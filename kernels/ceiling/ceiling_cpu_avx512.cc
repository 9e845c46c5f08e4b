// The ceilings' loops for AVX-512 with BF16 and VNNI.
//
// Each peak loop is one asm statement with its registers by name, so that what is timed is what is
// written here, with any compiler at any level of optimisation: g++ 12 kept an array of vector
// accumulators on the stack and reached 40 % of the peak. 24 chains cover 2 ports x 6 cycles of
// latency twice, and those of server cores with vdpbf16ps at 9 cycles on one port.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_sums.h"
#include "kernels/ceiling/stream_cpu.h"

namespace wattline::kernels::avx512 {
namespace {

// What a chain, zmm\\r, does with zmm30 and zmm31, both of them ones.
#define WATTLINE_PEAK_ZMM(mul_add)                                                                \
  asm volatile(                                                                                   \
      "vmovups (%[ones]), %%zmm30\n\t"                                                            \
      "vmovaps %%zmm30, %%zmm31\n\t"                                                              \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"                  \
      "vpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n\t"                                                   \
      ".endr\n\t"                                                                                 \
      ".p2align 6\n\t"                                                                            \
      "1:\n\t"                                                                                    \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t" mul_add          \
      ".endr\n\t"                                                                                 \
      "decq %[steps]\n\t"                                                                         \
      "jnz 1b\n\t"                                                                                \
      ".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"                  \
      "vmovups %%zmm\\r, (\\r*64)(%[out])\n\t"                                                    \
      ".endr\n\t"                                                                                 \
      "vzeroupper\n\t"                                                                            \
      : [steps] "+r"(steps)                                                                       \
      : [ones] "r"(ones), [out] "r"(sums)                                                         \
      : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",  \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
        "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", \
        "xmm31", "cc", "memory")

double PeakF32(int64_t steps) {
  alignas(64) float ones[16];
  for (float& one : ones) one = 1.0f;
  alignas(64) float sums[24 * 16];
  WATTLINE_PEAK_ZMM("vfmadd231ps %%zmm30, %%zmm31, %%zmm\\r\n\t");
  return Total(sums);
}

double PeakBF16(int64_t steps) {
  alignas(64) uint16_t ones[32];
  for (uint16_t& one : ones) one = 0x3f80;
  alignas(64) float sums[24 * 16];
  WATTLINE_PEAK_ZMM("vdpbf16ps %%zmm30, %%zmm31, %%zmm\\r\n\t");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  alignas(64) uint8_t ones[64];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[24 * 16];
  WATTLINE_PEAK_ZMM("vpdpbusd %%zmm30, %%zmm31, %%zmm\\r\n\t");
  return Total(sums);
}

// 512-bit vectors; the 256-bit ones are in the AVX2 file.
struct Zmm {
  using Words = __m512i;
  static constexpr int64_t kLanes = 16;
  static Words Zero() { return _mm512_setzero_si512(); }
  static Words Load(const float* p) { return _mm512_loadu_si512(p); }
  static Words Add(Words x, Words y) { return _mm512_add_epi32(x, y); }
  // Through memory: g++ 12 warns of uninitialised values inside _mm512_reduce_add_epi32.
  static uint32_t Sum(Words x) {
    alignas(64) uint32_t words[16];
    _mm512_store_si512(words, x);
    uint32_t sum = 0;
    for (uint32_t word : words) sum += word;
    return sum;
  }
  static Words Splat(float x) { return _mm512_castps_si512(_mm512_set1_ps(x)); }
  static Words MulAdd(Words x, Words y, Words z) {
    return _mm512_castps_si512(
        _mm512_fmadd_ps(_mm512_castsi512_ps(y), _mm512_castsi512_ps(z), _mm512_castsi512_ps(x)));
  }
  static void Store(float* p, Words x) { _mm512_store_si512(p, x); }
  static void StoreNt(float* p, Words x) { _mm512_stream_si512(reinterpret_cast<__m512i*>(p), x); }
  static void Fence() { _mm_sfence(); }
  static void Touch(const float* p) {
    Words word;
    asm volatile("vmovups %[x], %[word]"
                 : [word] "=v"(word)
                 : [x] "m"(*reinterpret_cast<const __m512i*>(p)));
  }
  static Words Opaque(Words x) {
    asm volatile("" : "+v"(x));
    return x;
  }
};

}  // namespace

const PeakKernel kPeaks[kAvx512Peaks] = {
    {PeakFormat::kF32, "vfmadd231ps zmm x24", 2.0 * 16 * 24, PeakF32},
    {PeakFormat::kBF16, "vdpbf16ps zmm x24", 2.0 * 32 * 24, PeakBF16},
    // Emerald Rapids starts a vdpbf16ps only every second cycle (measured: 114 against 230 GFLOP/s
    // for f32 on one core): operands widened to f32 once and used often are the better way there.
    {PeakFormat::kBF16, "vfmadd231ps zmm x24 (bf16 widened to f32)", 2.0 * 16 * 24, PeakF32},
    {PeakFormat::kInt8, "vpdpbusd zmm x24", 2.0 * 64 * 24, PeakInt8},
};

const StreamKernel kStreams[kStreamsPerIsa] = {WATTLINE_STREAMS(Zmm, "zmm")};

}  // namespace wattline::kernels::avx512
