// One small row operation over a matrix, as a backend runs it: its operands, bytes and reference.
#pragma once

#include <cstdint>

#include "kernels/norm/norm.h"

namespace wattline::kernels {

// The laws are those of the references in norm.h, and of quantise_q8 in cpu_kernels.h.
enum class NormOperation : uint8_t { kRmsNorm, kLayerNorm, kRope, kSwiGlu, kGelu, kQuantiseQ8 };

// Each row by itself; result: [rows, cols].
struct NormCase {
  NormOperation operation = NormOperation::kRmsNorm;
  int64_t rows = 0;
  int64_t cols = 0;               // kRope: rope_dim, even; kQuantiseQ8: a multiple of 32
  const float* x = nullptr;       // [rows, cols]; kSwiGlu: the gate
  const float* up = nullptr;      // [rows, cols], of kSwiGlu
  const float* weight = nullptr;  // [cols], of kRmsNorm and kLayerNorm
  const float* bias = nullptr;    // [cols], of kLayerNorm
  float eps = 1e-5f;              // of kRmsNorm and kLayerNorm
  // Of kRope: each row is a head at the same position.
  RopeLayout layout = RopeLayout::kAdjacent;
  int64_t position = 0;
  double base = 10000;
};

// Bytes read and written once: x, up and the result. Weights and angles of one row are not counted.
// kQuantiseQ8 writes 8-bit integers, and a scale and a sum of f32 for each block of 32.
double NormByte(const NormCase& c);
// Double-precision reference: out[rows, cols]. That of kQuantiseQ8, whose result is scale times
// integer, is x itself.
void NormReference(const NormCase& c, double* out);

}  // namespace wattline::kernels
