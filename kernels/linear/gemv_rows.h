// What the files of the instruction sets give to the GEMV: consecutive rows, and 8-bit activations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// Consecutive rows of W and where their results go; activations as in Activations.
struct GemvRows {
  Format format = Format::kF32;
  const std::byte* w = nullptr;  // the first of the rows
  int64_t row_byte = 0;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t tokens = 0;
  const float* f32 = nullptr;           // [tokens, cols], for dense formats
  const int8_t* q8 = nullptr;           // [tokens, cols], as the next two for quantised formats
  const float* q8_scale = nullptr;      // [tokens, cols / 32]
  const float* q8_block_sum = nullptr;  // [tokens, cols / 32]
  float* y = nullptr;                   // [tokens, y_stride], at the first of the rows
  int64_t y_stride = 0;
};
void GemvRowsAvx2(const GemvRows& g);
void GemvRowsAvx512(const GemvRows& g);
void GemvRowsNeon(const GemvRows& g);

// x[blocks, 32] to q8[blocks, 32], scale[blocks] = max|x| / 127 and block_sum[blocks], the scale
// times the sum of q8. q8 is the nearest integer to x / scale.
void QuantiseQ8Avx2(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);
void QuantiseQ8Avx512(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);
void QuantiseQ8Neon(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);

}  // namespace wattline::kernels
