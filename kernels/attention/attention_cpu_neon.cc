// Attention for NEON.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_neon.h"

namespace wattline::kernels {
namespace neon {
namespace {

// What attention_kv.h wants beside the wrapper.
struct Lanes : Simd {
  [[gnu::always_inline]] static F32 LoadInt8(const std::byte* p) {
    uint32_t bits;
    __builtin_memcpy(&bits, p, 4);
    const int16x8_t wide = vmovl_s8(vcreate_s8(bits));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
  }
  template <int kCount>
  [[gnu::always_inline]] static F32 LoadRepeat(const float* p) {
    if constexpr (kCount == 1) return vld1q_dup_f32(p);
    if constexpr (kCount == 2) {
      const float32x2_t pair = vld1_f32(p);
      return vcombine_f32(pair, pair);
    }
    if constexpr (kCount == 4) return vld1q_f32(p);
  }
  [[gnu::always_inline]] static F32 PairSums(F32 a, F32 b) { return vpaddq_f32(a, b); }
  [[gnu::always_inline]] static F32 SwapPairs(F32 x) { return vextq_f32(x, x, 2); }
  [[gnu::always_inline]] static F32 DoublePair(F32 x) { return vzip1q_f32(x, x); }
  [[gnu::always_inline]] static F32 SwapNeighbours(F32 x) { return vrev64q_f32(x); }
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
}  // namespace neon

void AttentionNeon(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<neon::Lanes>::Run(args, slice);
  } else {
    attention_cpu::Tile<neon::Lanes>::Run(args, slice);
  }
}

void AttentionMergeNeon(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<neon::Lanes>::Merge(args, slice);
}

}  // namespace wattline::kernels
