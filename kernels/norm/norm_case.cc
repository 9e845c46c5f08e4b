#include "kernels/norm/norm_case.h"

#include <algorithm>
#include <vector>

namespace wattline::kernels {

double NormByte(const NormCase& c) {
  const auto count = static_cast<double>(c.rows * c.cols);
  if (c.operation == NormOperation::kSwiGlu) return 12 * count;
  return (c.operation == NormOperation::kQuantiseQ8 ? 4 + 1 + 8.0 / 32 : 8) * count;
}

void NormReference(const NormCase& c, double* out) {
  std::copy(c.x, c.x + c.rows * c.cols, out);
  for (int64_t row = 0; row < c.rows; ++row, out += c.cols) {
    switch (c.operation) {
      case NormOperation::kRmsNorm:
        RmsNormReference(out, c.weight, c.cols, static_cast<double>(c.eps), out);
        break;
      case NormOperation::kLayerNorm:
        LayerNormReference(out, c.weight, c.bias, c.cols, static_cast<double>(c.eps), out);
        break;
      case NormOperation::kRope:
        RopeReference(out, c.cols, c.position, c.base, nullptr, c.layout);
        break;
      case NormOperation::kSwiGlu: {
        const std::vector<double> up(c.up + row * c.cols, c.up + (row + 1) * c.cols);
        SwiGluReference(out, up.data(), c.cols, out);
        break;
      }
      case NormOperation::kGelu:
        GeluReference(out, c.cols, out);
        break;
      case NormOperation::kQuantiseQ8:
        break;
    }
  }
}

}  // namespace wattline::kernels
