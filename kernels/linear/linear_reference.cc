// The linear layer in double: one row of W is dequantised once and meets all tokens.
#include <vector>

#include "kernels/dequant/dequant.h"
#include "kernels/linear/linear.h"

namespace wattline::kernels {

void LinearReference(const LinearCase& c, double* y) {
  std::vector<double> w(static_cast<size_t>(c.w.cols));
  for (int64_t row = 0; row < c.w.rows; ++row) {
    DequantReference(c.w.format, c.w.Row(row), c.w.cols, w.data());
    for (int64_t token = 0; token < c.tokens; ++token) {
      const float* x = c.x + token * c.w.cols;
      double sum = 0.0;
      for (int64_t i = 0; i < c.w.cols; ++i) sum += w[static_cast<size_t>(i)] * x[i];
      y[token * c.w.rows + row] = sum;
    }
  }
}

}  // namespace wattline::kernels
