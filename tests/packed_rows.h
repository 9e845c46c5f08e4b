// Rows of seeded random bytes in any format, every bit pattern of the integers, finite scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/float16.h"
#include "kernels/format.h"
#include "kernels/random.h"

namespace wattline::kernels {

// Exactly as many bytes as `rows` rows have, on the heap, so that a sanitizer sees over-reads.
inline std::vector<std::byte> PackedRows(Format format, int64_t rows, int64_t cols, uint64_t seed) {
  Random random(seed);
  const FormatInfo& info = Info(format);
  std::vector<std::byte> bytes(static_cast<size_t>(rows * RowByte(format, cols)));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next() >> 56);
  for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(info.block_byte)) {
    const auto put_half = [&](size_t offset, float value) {
      const uint16_t bits = F16FromFloat(value);
      std::memcpy(&bytes[at + offset], &bits, 2);
    };
    const float value = random.Normal();
    switch (format) {
      case Format::kF32:
        std::memcpy(&bytes[at], &value, 4);
        break;
      case Format::kF16:
        put_half(0, value);
        break;
      case Format::kBF16: {
        const uint16_t bits = Bf16FromFloat(value);
        std::memcpy(&bytes[at], &bits, 2);
        break;
      }
      case Format::kQ8_0:
      case Format::kQ4_0:
        put_half(0, 0.1f * value);
        break;
      case Format::kQ4_1:
      case Format::kQ4_K:
      case Format::kQ5_K:
      case Format::kMlx4:
      case Format::kMlx4G128:
      case Format::kMlx8G32:
      case Format::kMlx8:
      case Format::kMlx8G128:
        put_half(0, 0.1f * value);
        put_half(2, 0.3f * random.Normal());
        break;
      case Format::kQ6_K:
        put_half(208, 0.1f * value);
        break;
      case Format::kMxfp4:  // 2^-8 to 2^7
        bytes[at] = static_cast<std::byte>(119 + random.Next() % 16);
        break;
      case Format::kNvfp4:  // both signs, all but the NaN
        bytes[at] = static_cast<std::byte>(random.Next() % 127 + random.Next() % 2 * 128);
        break;
    }
  }
  return bytes;
}

}  // namespace wattline::kernels
