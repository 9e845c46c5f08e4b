// Attention for NEON.
#include "kernels/attention/attention_cpu.h"
#include "kernels/attention/attention_split.h"
#include "kernels/attention/attention_tile.h"
#include "kernels/simd/simd_neon.h"

namespace wattline::kernels {

void AttentionNeon(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) {
    attention_cpu::Split<neon::Simd>::Run(args, slice);
  } else {
    attention_cpu::Tile<neon::Simd>::Run(args, slice);
  }
}

void AttentionMergeNeon(const AttentionArgs& args, Slice slice) {
  if (IsSplit(args.shape)) attention_cpu::Split<neon::Simd>::Merge(args, slice);
}

}  // namespace wattline::kernels
