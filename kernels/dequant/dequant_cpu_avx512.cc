#include "kernels/dequant/dequant_cpu.h"
#include "kernels/dequant/dequant_cpu_body.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels {

void DequantF32Avx512(Format format, const std::byte* row, int64_t cols, float* out) {
  Dequant<Avx512>(format, row, cols, out);
}

void DequantBf16Avx512(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  Dequant<Avx512>(format, row, cols, out);
}

}  // namespace wattline::kernels
