#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/gemv_slice.h"

namespace wattline::kernels {

void PrepareGemvNeon(Format format, Activations& x, Slice slice) {
  PrepareGemvSlice(format, x, slice, kInterleavedFromNeon, QuantiseQ8Neon);
}

void GemvNeon(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsNeon); }

}  // namespace wattline::kernels
