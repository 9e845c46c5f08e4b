#include "kernels/encode/encode.h"

#include <fmt/format.h>

#include <cmath>

namespace wattline::kernels {

std::string WhyNotEncode(const EncodeCase& c) {
  const ModelShape& s = c.model->shape;
  if (c.tokens.empty() || std::ssize(c.tokens) > s.context) {
    return fmt::format("{} tokens, but the model '{}' takes 1 to {}", c.tokens.size(), s.name,
                       s.context);
  }
  if (c.segments.size() != c.tokens.size()) {
    return fmt::format("{} segments for {} tokens", c.segments.size(), c.tokens.size());
  }
  for (const int32_t token : c.tokens) {
    if (token < 0 || token >= s.vocab) {
      return fmt::format("token {} is none of the vocabulary's {}", token, s.vocab);
    }
  }
  for (const int32_t segment : c.segments) {
    if (segment < 0 || segment >= kBertSegments) {
      return fmt::format("segment {} is none of the {} there are", segment, kBertSegments);
    }
  }
  return {};
}

double EncodeFlop(const ModelShape& s, int64_t tokens) {
  const auto n = static_cast<double>(tokens);
  const auto dim = static_cast<double>(s.model_dim);
  const auto ffn = static_cast<double>(s.ffn_dim);
  const double block = 2 * n * (4 * dim * dim + 2 * dim * ffn) + 4 * dim * n * n;
  return static_cast<double>(s.layers) * block + 2 * dim * dim;
}

double EncodeByte(const ModelShape& s, Format format, int64_t tokens) {
  const auto row = static_cast<double>(RowByte(format, s.model_dim));
  const auto dim = static_cast<double>(s.model_dim);
  const auto ffn = static_cast<double>(s.ffn_dim);
  // Biases of q, k, v, output and down, two norms with biases, and the bias of up.
  const double vectors = 4 * (9 * dim + ffn);
  const double block =
      (4 * dim + ffn) * row + dim * static_cast<double>(RowByte(format, s.ffn_dim)) + vectors;
  const double pooler = dim * row + 4 * dim;
  const auto n = static_cast<double>(tokens);
  const double embeddings = (2 * n + static_cast<double>(kBertSegments)) * row + 2 * 4 * dim;
  const double in_and_out = 2 * 4 * n + 4 * (n + 1) * dim;
  return static_cast<double>(s.layers) * block + pooler + embeddings + in_and_out;
}

double EncodeTolerance(const ModelShape& s, double unit) {
  const double sums = std::sqrt(static_cast<double>(s.ffn_dim)) * 0x1p-24;
  return 2 * std::hypot(unit, sums) * std::sqrt(2.0 * static_cast<double>(s.layers));
}

}  // namespace wattline::kernels
