#include "kernels/dequant/dequant.h"

namespace wattline::kernels {

double DequantByte(const Matrix& w, int64_t out_element_byte) {
  return static_cast<double>(w.Byte()) + static_cast<double>(w.rows) * static_cast<double>(w.cols) *
                                             static_cast<double>(out_element_byte);
}

double DequantFlop(const Matrix& w) {
  if (!IsQuantised(w.format)) return 0.0;
  const bool has_minimum = w.format == Format::kQ4_1 || w.format == Format::kQ4_K ||
                           w.format == Format::kQ5_K || w.format == Format::kMlx4;
  return static_cast<double>(w.rows) * static_cast<double>(w.cols) * (has_minimum ? 2.0 : 1.0);
}

}  // namespace wattline::kernels
