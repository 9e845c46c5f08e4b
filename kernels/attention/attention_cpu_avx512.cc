// Attention for AVX-512.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {
namespace avx512 {
namespace {

// What attention_kv.h wants beside the wrapper.
struct Lanes : Simd {
  [[gnu::always_inline]] static F32 LoadInt8(const std::byte* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  // What attention_pairs.h wants.
  using Pairs = __m512i;
  [[gnu::always_inline]] static Pairs ZeroPairs() { return _mm512_setzero_si512(); }
  [[gnu::always_inline]] static Pairs LoadPairs(const int16_t* p) { return _mm512_loadu_si512(p); }
  template <int kCount>
  [[gnu::always_inline]] static Pairs RepeatPairs(const int16_t* p) {
    return _mm512_castps_si512(LoadRepeat<kCount>(reinterpret_cast<const float*>(p)));
  }
  [[gnu::always_inline]] static Pairs PairDot(Pairs sum, Pairs a, Pairs b) {
    return _mm512_dpwssd_epi32(sum, a, b);
  }
  [[gnu::always_inline]] static F32 FloatOf(Pairs sums) { return _mm512_cvtepi32_ps(sums); }
  [[gnu::always_inline]] static void WidenPairs(const std::byte* p, int16_t* out) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    _mm512_storeu_si512(out, _mm512_cvtepi8_epi16(bytes));
  }
  template <int kCount>
  [[gnu::always_inline]] static F32 LoadRepeat(const float* p) {
    if constexpr (kCount == 1) return _mm512_set1_ps(*p);
    if constexpr (kCount == 2) {
      return _mm512_castpd_ps(
          _mm512_broadcastsd_pd(_mm_load_sd(reinterpret_cast<const double*>(p))));
    }
    if constexpr (kCount == 4) return _mm512_broadcast_f32x4(_mm_loadu_ps(p));
  }
  [[gnu::always_inline]] static F32 PairSums(F32 a, F32 b) {
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
  }
  [[gnu::always_inline]] static F32 SwapPairs(F32 x) { return _mm512_permute_ps(x, 0x4e); }
  [[gnu::always_inline]] static F32 DoublePair(F32 x) { return _mm512_permute_ps(x, 0x50); }
  [[gnu::always_inline]] static F32 SwapNeighbours(F32 x) { return _mm512_permute_ps(x, 0xb1); }
  // Shuffles have one port: spreading 128-bit loads over the rows, and storing 128 bits at a time,
  // halves them against Transpose. Of 16 x 16 the 4 x 4 in each 128 bits are left.
  [[gnu::always_inline]] static void LoadTransposed(const float* const (&rows)[kLanes], int64_t d,
                                                    F32 (&out)[kLanes]) {
    for (int c = 0; c < 16; c += 4) {
      for (int i = 0; i < 4; ++i) {
        const auto quad = [&](int row) { return _mm_loadu_ps(rows[row + i] + d + c); };
        F32 x = _mm512_castps128_ps512(quad(0));
        x = _mm512_mask_broadcast_f32x4(x, 0x00f0, quad(4));
        x = _mm512_mask_broadcast_f32x4(x, 0x0f00, quad(8));
        out[c + i] = _mm512_mask_broadcast_f32x4(x, 0xf000, quad(12));
      }
      TransposeQuads(out + c);
    }
  }
  [[gnu::always_inline]] static void StoreTransposed(F32 (&x)[kLanes], float* const (&rows)[kLanes],
                                                     int64_t d) {
    for (int c = 0; c < 16; c += 4) {
      TransposeQuads(x + c);
      for (int i = 0; i < 4; ++i) {
        const auto put = [&](int row, __m128 quad) { _mm_storeu_ps(rows[row + i] + d + c, quad); };
        put(0, _mm512_castps512_ps128(x[c + i]));
        put(4, _mm512_extractf32x4_ps(x[c + i], 1));
        put(8, _mm512_extractf32x4_ps(x[c + i], 2));
        put(12, _mm512_extractf32x4_ps(x[c + i], 3));
      }
    }
  }

 private:
  // 4 x 4 numbers in each 128 bits of x[0 .. 3].
  [[gnu::always_inline]] static void TransposeQuads(F32* x) {
    const F32 a = _mm512_unpacklo_ps(x[0], x[1]), b = _mm512_unpackhi_ps(x[0], x[1]);
    const F32 c = _mm512_unpacklo_ps(x[2], x[3]), d = _mm512_unpackhi_ps(x[2], x[3]);
    x[0] = _mm512_shuffle_ps(a, c, 0x44);
    x[1] = _mm512_shuffle_ps(a, c, 0xee);
    x[2] = _mm512_shuffle_ps(b, d, 0x44);
    x[3] = _mm512_shuffle_ps(b, d, 0xee);
  }
};

}  // namespace
}  // namespace avx512

void AttentionAvx512(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<avx512::Lanes>::Run(args, slice);
  } else {
    attention_cpu::Tile<avx512::Lanes>::Run(args, slice);
  }
}

void AttentionMergeAvx512(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<avx512::Lanes>::Merge(args, slice);
}

}  // namespace wattline::kernels
