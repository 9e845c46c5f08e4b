// A GEMM's operand in the type's own elements: f32, bits of bf16 or f16, or 8-bit integers.
#pragma once

#include <cstdint>

#include "kernels/buffer.h"
#include "kernels/gemm/gemm.h"

namespace wattline::kernels {

constexpr int64_t ElementByte(GemmType type) {
  return type == GemmType::kF32 ? 4 : type == GemmType::kInt8 ? 1 : 2;
}

// values[count] rounded to the type. int8 keeps the low 8 bits, which serve u8 and s8.
Buffer<std::byte> GemmElements(GemmType type, const float* values, int64_t count);

}  // namespace wattline::kernels
