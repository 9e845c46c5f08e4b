#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/gemv_slice.h"

namespace wattline::kernels {

void PrepareGemvAvx2(Format format, Activations& x, Slice slice) {
  PrepareGemvSlice(format, x, slice, kInterleavedFromX86, QuantiseQ8Avx2);
}

void PrepareGemvAvx512(Format format, Activations& x, Slice slice) {
  PrepareGemvSlice(format, x, slice, kInterleavedFromX86, QuantiseQ8Avx512);
}

void GemvAvx2(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsAvx2); }

void GemvAvx512(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsAvx512); }

}  // namespace wattline::kernels
