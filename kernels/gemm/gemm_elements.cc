#include "kernels/gemm/gemm_elements.h"

#include <cstring>

#include "kernels/float16.h"

namespace wattline::kernels {

Buffer<std::byte> GemmElements(GemmType type, const float* values, int64_t count) {
  Buffer<std::byte> out(count * ElementByte(type));
  for (int64_t i = 0; i < count; ++i) {
    std::byte* to = out.data() + i * ElementByte(type);
    if (type == GemmType::kF32) {
      std::memcpy(to, values + i, 4);
    } else if (type == GemmType::kInt8) {
      *to = static_cast<std::byte>(static_cast<int32_t>(values[i]) & 0xff);
    } else {
      const uint16_t bits =
          type == GemmType::kBF16 ? Bf16FromFloat(values[i]) : F16FromFloat(values[i]);
      std::memcpy(to, &bits, 2);
    }
  }
  return out;
}

}  // namespace wattline::kernels
