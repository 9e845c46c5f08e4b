// The ceilings' loops for AVX2 with FMA.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_avx2.h"
#include "kernels/ceiling/stream_cpu.h"

namespace wattline::kernels::avx2 {
namespace {

double PeakF32(int64_t steps) {
  alignas(64) float ones[8];
  for (float& one : ones) one = 1.0f;
  alignas(64) float sums[12 * 8];
  WATTLINE_PEAK_YMM("", "vfmadd231ps %%ymm14, %%ymm15, %%ymm\\r\n\t");
  return Total(sums);
}

// Ones of 16 bits, in ymm13, are the bytes shifted right.
double PeakInt8(int64_t steps) {
  alignas(64) uint8_t ones[32];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[12 * 8];
  WATTLINE_PEAK_YMM("vpsrlw $8, %%ymm14, %%ymm13\n\t",
                    "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n\t"
                    "vpmaddwd %%ymm13, %%ymm12, %%ymm12\n\t"
                    "vpaddd %%ymm12, %%ymm\\r, %%ymm\\r\n\t");
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

const StreamKernel kStreams[kStreamsPerIsa] = {WATTLINE_STREAMS(Ymm, "ymm")};

}  // namespace wattline::kernels::avx2
