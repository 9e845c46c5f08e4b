// The linear layer on the CPU, for the tables of kernels/cpu: GEMV up to kGemvTokens (gemv_cpu.h),
// panels of unpacked weights above.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// As CpuKernels::form (where it is not LinearForm), ::prepare, ::linear and ::linear_scratch_byte.
ActivationForm LinearFormAvx512(Format format, int64_t tokens, int64_t cols);
void PrepareLinearAvx2(Format format, Activations& x, Slice slice);
void PrepareLinearAvx512(Format format, Activations& x, Slice slice);
void PrepareLinearNeon(Format format, Activations& x, Slice slice);
void LinearAvx2(const LinearArgs& args, Slice slice);
void LinearAvxVnni(const LinearArgs& args, Slice slice);
void LinearAvx512(const LinearArgs& args, Slice slice);
void LinearNeon(const LinearArgs& args, Slice slice);
int64_t LinearScratchByteAvx2(Format format, int64_t tokens, int64_t cols);
int64_t LinearScratchByteAvx512(Format format, int64_t tokens, int64_t cols);
int64_t LinearScratchByteNeon(Format format, int64_t tokens, int64_t cols);

// The two ways of panels on AVX-512, for any number of tokens: bf16 operands and vdpbf16ps, or f32.
// LinearAvx512 takes the first for bf16 weights where it is the faster one (Bf16DotIsFast in
// features.h).
void PreparePanelBf16DotAvx512(Format format, Activations& x, Slice slice);
void PreparePanelF32Avx512(Format format, Activations& x, Slice slice);
void LinearPanelBf16DotAvx512(const LinearArgs& args, Slice slice);
void LinearPanelF32Avx512(const LinearArgs& args, Slice slice);

}  // namespace wattline::kernels
