#include "kernels/gemm/gemm.h"

#include <array>
#include <cmath>

#include "kernels/float16.h"
#include "kernels/gemm/gemm_elements.h"

namespace wattline::kernels {
namespace {

constexpr std::array<std::string_view, 4> kGemmTypeNames = {"f32", "bf16", "int8", "f16"};

double Product(int64_t a, int64_t b) { return static_cast<double>(a) * static_cast<double>(b); }

}  // namespace

std::string_view Name(GemmType type) { return kGemmTypeNames[static_cast<size_t>(type)]; }

std::optional<GemmType> GemmTypeFromName(std::string_view name) {
  for (size_t i = 0; i < kGemmTypeNames.size(); ++i) {
    if (kGemmTypeNames[i] == name) return static_cast<GemmType>(i);
  }
  return std::nullopt;
}

float RoundedTo(GemmType type, float value) {
  if (type == GemmType::kBF16) return FloatFromBf16(Bf16FromFloat(value));
  return type == GemmType::kF16 ? FloatFromF16(F16FromFloat(value)) : value;
}

double GemmByte(GemmShape s, GemmType type) {
  const auto element_byte = static_cast<double>(ElementByte(type));
  return element_byte * (Product(s.m, s.k) + Product(s.n, s.k)) + 4 * Product(s.m, s.n);
}

double GemmByte(GemmShape s, Format weights) {
  return 4 * Product(s.m, s.k) + Product(s.n, RowByte(weights, s.k)) + 4 * Product(s.m, s.n);
}

// A sum of k products in f32, in any order and with or without fused multiply-adds, makes at most
// k + 1 roundings of relative size u = 2^-24 in each term's path (Higham, Accuracy and Stability of
// Numerical Algorithms, 3.1: gamma_n = n u / (1 - n u)); blocked sums add one per block of k, less
// than k / 64 here. Products that vdpbf16ps flushes to zero are below 2^-126 each. A C kept in f16
// has steps of 2^-24 below 2^-14: half a step there is more than Rounding::result's share.
double GemmTolerance(const GemmCase& c, int64_t i, int64_t j) {
  const int64_t k = c.shape.k;
  double magnitude = 0;
  double sum = 0;
  for (int64_t p = 0; p < k; ++p) {
    const double a = RoundedTo(c.type, c.a[i * k + p]);
    const double b = RoundedTo(c.type, c.bt[j * k + p]);
    const double product = a * b;
    sum += product;
    magnitude += std::fabs(product);
  }
  // Integers up to 2^24 are exact in f32; above, keeping them rounds by up to half a unit.
  if (c.type == GemmType::kInt8) return std::fabs(sum) <= 0x1p24 ? 0 : std::fabs(sum) * 0x1p-24;
  const double roundings = static_cast<double>(k + k / 64 + 2);
  const double nu = roundings * 0x1p-24;
  const double smallest = c.type == GemmType::kF16 ? 0x1p-25 : 0;
  return nu / (1 - nu) * magnitude + static_cast<double>(k) * 0x1p-126 + smallest;
}

}  // namespace wattline::kernels
