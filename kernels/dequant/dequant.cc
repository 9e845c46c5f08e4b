#include "kernels/dequant/dequant.h"

namespace wattline::kernels {
namespace {

bool HasMinimum(Format format) {
  switch (format) {
    case Format::kQ4_1:
    case Format::kQ4_K:
    case Format::kQ5_K:
    case Format::kMlx4:
    case Format::kMlx4G128:
    case Format::kMlx8G32:
    case Format::kMlx8:
    case Format::kMlx8G128:
      return true;
    default:
      return false;
  }
}

}  // namespace

double DequantByte(const Matrix& w, int64_t out_element_byte) {
  return static_cast<double>(w.Byte()) + static_cast<double>(w.rows) * static_cast<double>(w.cols) *
                                             static_cast<double>(out_element_byte);
}

double DequantFlop(const Matrix& w) {
  if (!IsQuantised(w.format)) return 0.0;
  return static_cast<double>(w.rows) * static_cast<double>(w.cols) *
         (HasMinimum(w.format) ? 2.0 : 1.0);
}

}  // namespace wattline::kernels
