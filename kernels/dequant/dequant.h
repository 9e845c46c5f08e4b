// Dequantisation: packed weight rows to f32 or bf16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/matrix.h"

namespace wattline::kernels {

// Exact values of one packed row in double (every format's value is a short sum of products). A
// block of mxfp4 or nvfp4 whose scale is the pattern of a NaN is all NaN; float8.h says where
// others differ.
void DequantReference(Format format, const std::byte* row, int64_t cols, double* out);

// Every packed value is scale * q + offset with q >= 0, except the signed q of q8_0, mxfp4 and
// nvfp4; this is the offset of each element, 0 for those and the dense formats. Kernels sum the two
// parts apart, so the rounding of their sums grows with |offset|, however small the value is.
void DequantOffsetReference(Format format, const std::byte* row, int64_t cols, double* out);

// Bytes: packed weights read once, out written once (4 or 2 bytes an element).
double DequantByte(const Matrix& w, int64_t out_element_byte);
// Operations: one multiply (and one add where the format has a minimum: q4_1, q4_k, q5_k, mlx*)
// per element; none for the dense formats, whose conversion is no arithmetic.
double DequantFlop(const Matrix& w);

}  // namespace wattline::kernels
