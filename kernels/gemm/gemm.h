// GEMM: C[M,N] = A[M,K] B[K,N], dense operands in one number format, and its counts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/matrix.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct GemmShape {
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
};

// A and B in this type; C is f32 (f32, bf16, f16) or s32 (int8: A u8 in 0..127, B s8; 7 bits of A
// keep the 16-bit pair sums of AVX2's vpmaddubsw from saturating, so that all backends do equal
// work). A backend whose C comes in the type of A and B says so in RoundsTo().
enum class GemmType : uint8_t { kF32, kBF16, kInt8, kF16 };
std::string_view Name(GemmType type);  // "f32", "bf16", "int8", "f16"
std::optional<GemmType> GemmTypeFromName(std::string_view name);

// Operations: 2 M N K, a multiply-add counts 2.
constexpr double GemmFlop(GemmShape s) {
  return 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
}
// Compulsory bytes: A and B once in their type, C written once (4 bytes an element).
double GemmByte(GemmShape s, GemmType type);
// The same with B in a packed weight format and A, C in f32: `gemm/MxNxK/q4_0`.
double GemmByte(GemmShape s, Format weights);

// The operands as the caller has them. For kInt8 the values are whole numbers in the ranges above.
struct GemmCase {
  GemmShape shape;
  GemmType type = GemmType::kF32;
  const float* a = nullptr;   // [m, k]
  const float* bt = nullptr;  // B transposed: [n, k], as weights lie
};

// An operand's value once it is rounded to `type`.
float RoundedTo(GemmType type, float value);
// Double-precision reference on operands rounded to `type`: C[m, n].
void GemmReference(const GemmCase& c, double* out);
// Bound of |C - reference| for element (i, j), from the format and the length of the sum; the
// derivation stands in gemm.cc. 0 for kInt8, whose integers are exact, as long as f32 (which
// Work::Result keeps them in) holds them.
double GemmTolerance(const GemmCase& c, int64_t i, int64_t j);

}  // namespace wattline::kernels
