#include "kernels/block/block.h"

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {
namespace {

// Weights of the matrices, and their bytes with those of the vectors.
struct Weights {
  double elements = 0;
  double byte = 0;
};

Weights Sum(const BlockCase& c) {
  Weights sum;
  const auto add = [&sum](const Matrix& w) {
    sum.elements += static_cast<double>(w.rows * w.cols);
    sum.byte += static_cast<double>(w.Byte());
  };
  const int64_t dim = c.shape.model_dim;
  if (c.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) add(c.llama->*matrix);
    sum.byte += 4.0 * static_cast<double>(2 * dim);  // two norms
  } else {
    for (const auto matrix : kBertMatrices) add(c.bert->*matrix);
    // Biases of q, k, v, output and down, two norms with biases, and the bias of up.
    sum.byte += 4.0 * static_cast<double>(9 * dim + c.shape.ffn_dim);
  }
  return sum;
}

}  // namespace

double BlockFlop(const BlockCase& c) {
  const auto tokens = static_cast<double>(c.tokens);
  // Llama's token i sees start + i + 1 positions, BERT's all tokens.
  const double visible = c.llama != nullptr
                             ? tokens * static_cast<double>(c.start) + tokens * (tokens + 1) / 2
                             : tokens * tokens;
  return 2.0 * tokens * Sum(c).elements +
         4.0 * static_cast<double>(c.shape.head_dim * c.shape.heads) * visible;
}

double BlockByte(const BlockCase& c) {
  double byte = Sum(c).byte;
  byte += 2.0 * 4.0 * static_cast<double>(c.tokens * c.shape.model_dim);  // x read, y written
  if (c.llama != nullptr) {
    // K and V in f16: the visible positions read, the new ones written. BERT has no cache.
    byte += 2.0 * 2.0 * static_cast<double>(c.shape.kv_heads * c.shape.head_dim) *
            static_cast<double>(c.start + c.tokens + c.tokens);
  }
  return byte;
}

}  // namespace wattline::kernels
