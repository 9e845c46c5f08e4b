// Attention for AVX2.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_avx2.h"

namespace wattline::kernels {

void AttentionAvx2(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<avx2::Simd>::Run(args, slice);
  } else {
    attention_cpu::Tile<avx2::Simd>::Run(args, slice);
  }
}

void AttentionMergeAvx2(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<avx2::Simd>::Merge(args, slice);
}

}  // namespace wattline::kernels
