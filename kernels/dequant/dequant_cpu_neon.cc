#include "kernels/dequant/dequant_cpu.h"
#include "kernels/dequant/dequant_cpu_body.h"
#include "kernels/simd/packed_neon.h"

namespace wattline::kernels {

void DequantF32Neon(Format format, const std::byte* row, int64_t cols, float* out) {
  Dequant<Neon>(format, row, cols, out);
}

void DequantBf16Neon(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  Dequant<Neon>(format, row, cols, out);
}

void StreamF32Neon(Format format, const std::byte* row, int64_t cols, float* out) {
  DequantF32Neon(format, row, cols, out);
}

void StreamBf16Neon(Format format, const std::byte* row, int64_t cols, uint16_t* out) {
  DequantBf16Neon(format, row, cols, out);
}

}  // namespace wattline::kernels
