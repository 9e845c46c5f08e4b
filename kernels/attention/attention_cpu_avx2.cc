// Attention for AVX2.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_avx2.h"

namespace wattline::kernels {
namespace avx2 {
namespace {

// What attention_kv.h wants beside the wrapper.
struct Lanes : Simd {
  [[gnu::always_inline]] static F32 LoadInt8(const std::byte* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
  }
  template <int kCount>
  [[gnu::always_inline]] static F32 LoadRepeat(const float* p) {
    if constexpr (kCount == 1) return _mm256_broadcast_ss(p);
    if constexpr (kCount == 2) {
      return _mm256_castpd_ps(_mm256_broadcast_sd(reinterpret_cast<const double*>(p)));
    }
    if constexpr (kCount == 4) return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p));
  }
  [[gnu::always_inline]] static F32 PairSums(F32 a, F32 b) {
    return _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
  }
  [[gnu::always_inline]] static F32 SwapPairs(F32 x) { return _mm256_permute_ps(x, 0x4e); }
  [[gnu::always_inline]] static F32 DoublePair(F32 x) { return _mm256_permute_ps(x, 0x50); }
  [[gnu::always_inline]] static F32 SwapNeighbours(F32 x) { return _mm256_permute_ps(x, 0xb1); }
  [[gnu::always_inline]] static void LoadTransposed(const float* const (&rows)[kLanes], int64_t d,
                                                    F32 (&out)[kLanes]) {
    for (int i = 0; i < kLanes; ++i) out[i] = Load(rows[i] + d);
    Transpose(out);
  }
  [[gnu::always_inline]] static void StoreTransposed(F32 (&x)[kLanes], float* const (&rows)[kLanes],
                                                     int64_t d) {
    Transpose(x);
    for (int i = 0; i < kLanes; ++i) Store(rows[i] + d, x[i]);
  }
};

}  // namespace
}  // namespace avx2

void AttentionAvx2(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<avx2::Lanes>::Run(args, slice);
  } else {
    attention_cpu::Tile<avx2::Lanes>::Run(args, slice);
  }
}

void AttentionMergeAvx2(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<avx2::Lanes>::Merge(args, slice);
}

}  // namespace wattline::kernels
