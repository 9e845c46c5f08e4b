// The entry points of attention, one pair per instruction set. CpuKernels has their law.
#pragma once

#include "kernels/attention/attention.h"
#include "kernels/slice.h"

namespace wattline::kernels {

void AttentionAvx2(const AttentionArgs& args, Slice slice);
void AttentionMergeAvx2(const AttentionArgs& args, Slice slice);

void AttentionAvx512(const AttentionArgs& args, Slice slice);
void AttentionMergeAvx512(const AttentionArgs& args, Slice slice);

void AttentionNeon(const AttentionArgs& args, Slice slice);
void AttentionMergeNeon(const AttentionArgs& args, Slice slice);

}  // namespace wattline::kernels
