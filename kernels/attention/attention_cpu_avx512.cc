// Attention for AVX-512.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {

void AttentionAvx512(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<avx512::Simd>::Run(args, slice);
  } else {
    attention_cpu::Tile<avx512::Simd>::Run(args, slice);
  }
}

void AttentionMergeAvx512(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<avx512::Simd>::Merge(args, slice);
}

}  // namespace wattline::kernels
