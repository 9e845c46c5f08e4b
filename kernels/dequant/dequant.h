// Dequantisation: packed weight rows to f32 or bf16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/matrix.h"

namespace wattline::kernels {

// Exact values of one packed row in double (every format's value is a short sum of products).
void DequantReference(Format format, const std::byte* row, int64_t cols, double* out);

// Bytes: packed weights read once, out written once (4 or 2 bytes an element).
double DequantByte(const Matrix& w, int64_t out_element_byte);
// Operations: one multiply (and one add where the format has a minimum) per element.
double DequantFlop(const Matrix& w);

}  // namespace wattline::kernels
