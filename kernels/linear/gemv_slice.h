// The part of the GEMV that is the same on every instruction set: a slice becomes rows or blocks.
#pragma once

#include <cstdint>

#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels {

void GemvSlice(const LinearArgs& args, Slice slice, void (*gemv_rows)(const GemvRows&));
// Groups of at least `interleaved_from` tokens are interleaved (gemv_rows.h).
void PrepareGemvSlice(Format format, Activations& x, Slice slice, int64_t interleaved_from,
                      void (*quantise)(const float*, int64_t, int8_t*, float*, float*));

}  // namespace wattline::kernels
