#include "kernels/decode/decoder.h"

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {

double ForwardFlop(const Model& m, int64_t start, int64_t count, int64_t batch) {
  const ModelShape& s = m.shape;
  const auto tokens = static_cast<double>(batch * count);
  double flop = 0;
  for (const Layer& layer : m.layers) {
    for (const auto matrix : kLayerMatrices) {
      flop += 2.0 * tokens * static_cast<double>((layer.*matrix).rows * (layer.*matrix).cols);
    }
  }
  // Token i of a sequence sees start + i + 1 positions: count * start + count (count + 1) / 2.
  const double visible = static_cast<double>(count) * static_cast<double>(start) +
                         static_cast<double>(count) * static_cast<double>(count + 1) / 2;
  flop += static_cast<double>(s.layers * batch) * visible * 4.0 *
          static_cast<double>(s.head_dim * s.heads);
  flop += 2.0 * static_cast<double>(batch) * static_cast<double>(m.output.rows * m.output.cols);
  return flop;
}

double ForwardByte(const Model& m, int64_t start, int64_t count, int64_t batch) {
  const ModelShape& s = m.shape;
  double byte = 0;
  for (const Layer& layer : m.layers) {
    for (const auto matrix : kLayerMatrices) byte += static_cast<double>((layer.*matrix).Byte());
  }
  byte += static_cast<double>(m.output.Byte());
  byte += static_cast<double>(batch * count * RowByte(m.token_embd.format, m.token_embd.cols));
  // The norms' vectors in f32: two of each layer and the last one.
  byte += 4.0 * static_cast<double>((2 * s.layers + 1) * s.model_dim);
  // K and V in f16: the visible positions read, the new ones written.
  byte += 2.0 * 2.0 * static_cast<double>(s.layers * s.kv_heads * s.head_dim) *
          static_cast<double>(batch * (start + count + count));
  return byte;
}

}  // namespace wattline::kernels
