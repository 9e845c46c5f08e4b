#include "kernels/dequant/dequant_cpu.h"
#include "kernels/dequant/dequant_cpu_body.h"
#include "kernels/simd/packed_avx2.h"

namespace wattline::kernels {

void DequantF32Avx2(Format format, const std::byte* row, int64_t cols, float* out) {
  Dequant<Avx2>(format, row, cols, out);
}

void DequantBf16Avx2(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  Dequant<Avx2>(format, row, cols, out);
}

}  // namespace wattline::kernels
