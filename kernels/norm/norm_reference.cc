// Double-precision references of the small row operations, and the angles of RoPE.
#include "kernels/norm/norm.h"

#include <cmath>

namespace wattline::kernels {

void RmsNormReference(const double* x, const float* weight, int64_t dim, double eps, double* out) {
  double sum = 0;
  for (int64_t i = 0; i < dim; ++i) sum += x[i] * x[i];
  const double scale = 1 / std::sqrt(sum / static_cast<double>(dim) + eps);
  for (int64_t i = 0; i < dim; ++i) out[i] = x[i] * scale * weight[i];
}

void LayerNormReference(const double* x, const float* weight, const float* bias, int64_t dim,
                        double eps, double* out) {
  double mean = 0;
  for (int64_t i = 0; i < dim; ++i) mean += x[i];
  mean /= static_cast<double>(dim);
  double variance = 0;
  for (int64_t i = 0; i < dim; ++i) variance += (x[i] - mean) * (x[i] - mean);
  variance /= static_cast<double>(dim);
  const double scale = 1 / std::sqrt(variance + eps);
  for (int64_t i = 0; i < dim; ++i) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

namespace {

double RopeAngle(int64_t pair, int64_t rope_dim, int64_t position, double base,
                 const float* factor) {
  const double exponent = -2.0 * static_cast<double>(pair) / static_cast<double>(rope_dim);
  const double angle = static_cast<double>(position) * std::pow(base, exponent);
  return factor == nullptr ? angle : angle / factor[pair];
}

}  // namespace

void RopeReference(double* head, int64_t rope_dim, int64_t position, double base,
                   const float* factor, RopeLayout layout) {
  const int64_t pairs = rope_dim / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    const double angle = RopeAngle(i, rope_dim, position, base, factor);
    const int64_t first = layout == RopeLayout::kAdjacent ? 2 * i : i;
    const int64_t second = layout == RopeLayout::kAdjacent ? 2 * i + 1 : i + pairs;
    const double a = head[first];
    const double b = head[second];
    head[first] = a * std::cos(angle) - b * std::sin(angle);
    head[second] = a * std::sin(angle) + b * std::cos(angle);
  }
}

void SwiGluReference(const double* gate, const double* up, int64_t n, double* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

void GeluReference(const double* x, int64_t n, double* out) {
  // erfc keeps its relative precision where 1 + erf cancels.
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] * std::erfc(-x[i] * std::sqrt(0.5)) / 2;
}

void RopeAngles(int64_t rope_dim, int64_t position, double base, const float* factor,
                float* cos_sin) {
  for (int64_t i = 0; i < rope_dim / 2; ++i) {
    const double angle = RopeAngle(i, rope_dim, position, base, factor);
    cos_sin[2 * i] = static_cast<float>(std::cos(angle));
    cos_sin[2 * i + 1] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace wattline::kernels
