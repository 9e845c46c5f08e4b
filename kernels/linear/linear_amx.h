// The linear layer with AMX, as linear_cpu.h: above kGemvTokens in bf16 on tiles, else AVX-512's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels {

ActivationForm LinearFormAmx(Format format, int64_t tokens, int64_t cols);
void PrepareLinearAmx(Format format, Activations& x, Slice slice);
void LinearAmx(const LinearArgs& args, Slice slice);
int64_t LinearScratchByteAmx(Format format, int64_t tokens, int64_t cols);

}  // namespace wattline::kernels
