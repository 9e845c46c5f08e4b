// The linear layer for few tokens on the CPU: one pair of functions per instruction set, for the
// tables of kernels/cpu.
#pragma once

#include "kernels/format.h"
#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// Writes the forms that Gemv wants for weights of `format` and x.tokens <= kGemvTokens: the 8-bit
// one for quantised formats, none for dense ones, which meet the f32 activations. The slice's share
// is one of the blocks of 32 of all tokens; a barrier must follow before Gemv.
void PrepareGemvAvx2(Format format, Activations& x, Slice slice);
void PrepareGemvAvx512(Format format, Activations& x, Slice slice);
void PrepareGemvNeon(Format format, Activations& x, Slice slice);

// The slice's share of the rows of W, x.tokens in 1 .. kGemvTokens. Needs no scratch. What a row's
// result is does not depend on the slice.
void GemvAvx2(const LinearArgs& args, Slice slice);
void GemvAvxVnni(const LinearArgs& args, Slice slice);
void GemvAvx512(const LinearArgs& args, Slice slice);
void GemvNeon(const LinearArgs& args, Slice slice);

}  // namespace wattline::kernels
