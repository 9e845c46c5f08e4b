// A weight matrix as it lies in memory or in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// W[rows, cols], row-major, each row RowByte(format, cols) bytes, rows back to back. Does not own
// its bytes. GGUF calls cols ne[0] and rows ne[1].
struct Matrix {
  Format format = Format::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  const std::byte* data = nullptr;

  const std::byte* Row(int64_t row) const { return data + row * RowByte(format, cols); }
  int64_t Byte() const { return rows * RowByte(format, cols); }
};

}  // namespace wattline::kernels
