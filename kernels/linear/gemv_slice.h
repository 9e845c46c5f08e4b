// The part of the GEMV that is the same on every instruction set: a slice becomes rows or blocks.
#pragma once

#include <cstdint>

#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/linear.h"
#include "kernels/slice.h"

namespace wattline::kernels {

void GemvSlice(const LinearArgs& args, Slice slice, void (*gemv_rows)(const GemvRows&));
void PrepareGemvSlice(Format format, Activations& x, Slice slice,
                      void (*quantise)(const float*, int64_t, int8_t*, float*, float*));

}  // namespace wattline::kernels
