#include <vector>

#include "kernels/gemm/gemm.h"

namespace wattline::kernels {
namespace {

// Products of f32 are exact in double; so are those of the shorter types.
std::vector<double> Rounded(const float* values, int64_t count, GemmType type) {
  std::vector<double> out(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    out[static_cast<size_t>(i)] = RoundedTo(type, values[i]);
  }
  return out;
}

}  // namespace

void GemmReference(const GemmCase& c, double* out) {
  const GemmShape s = c.shape;
  const std::vector<double> a = Rounded(c.a, s.m * s.k, c.type);
  const std::vector<double> bt = Rounded(c.bt, s.n * s.k, c.type);
  for (int64_t i = 0; i < s.m; ++i) {
    const double* row = a.data() + i * s.k;
    for (int64_t j = 0; j < s.n; ++j) {
      const double* column = bt.data() + j * s.k;
      double sum = 0;
      for (int64_t p = 0; p < s.k; ++p) sum += row[p] * column[p];
      out[i * s.n + j] = sum;
    }
  }
}

}  // namespace wattline::kernels
