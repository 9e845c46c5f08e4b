#include "kernels/model/model.h"

#include "kernels/model/tensors.h"

namespace wattline::kernels {

double ParameterCount(const ModelShape& s) {
  double count = 0.0;
  for (const TensorSpec& spec : LlamaTensors(s)) {
    count += static_cast<double>(spec.rows) * static_cast<double>(spec.cols);
  }
  return count;
}

double WeightByte(const Model& m) {
  double byte = 0.0;
  for (const TensorSpec& spec : LlamaTensors(m.shape)) {
    byte += static_cast<double>(TensorAt(spec, m).Byte());
  }
  return byte;
}

double KvByte(const ModelShape& s) {
  constexpr double kF16Byte = 2.0;
  return 2.0 * kF16Byte * static_cast<double>(s.layers * s.kv_heads * s.head_dim);
}

}  // namespace wattline::kernels
