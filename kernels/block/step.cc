#include "kernels/block/step.h"

#include <algorithm>
#include <cmath>

#include "kernels/block/layer_matrices.h"

namespace wattline::kernels {
namespace {

// Elements of all weights, vectors included.
double WeightElements(const BlockCase& c) {
  double elements = 0;
  const auto add = [&elements](const Matrix& w) {
    elements += static_cast<double>(w.rows * w.cols);
  };
  const int64_t dim = c.shape.model_dim;
  if (c.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) add(c.llama->*matrix);
    return elements + static_cast<double>(2 * dim);
  }
  for (const auto matrix : kBertMatrices) add(c.bert->*matrix);
  return elements + static_cast<double>(9 * dim + c.shape.ffn_dim);
}

// x and y, or dx and dy, in f32.
double EdgeByte(const BlockCase& c) {
  return 2.0 * 4.0 * static_cast<double>(c.tokens * c.shape.model_dim);
}

}  // namespace

std::vector<StepGemm> StepGemms(const StepCase& c, StepPass pass) {
  std::vector<StepGemm> gemms;
  const auto count = [&gemms](GemmShape s) {
    for (StepGemm& known : gemms) {
      if (known.shape.m == s.m && known.shape.n == s.n && known.shape.k == s.k) {
        ++known.times;
        return;
      }
    }
    gemms.push_back({s, 1});
  };
  const auto add = [&](const Matrix& w) {
    const int64_t tokens = c.block.tokens;
    count({tokens, w.rows, w.cols});
    if (pass == StepPass::kForward) return;
    count({tokens, w.cols, w.rows});
    count({w.rows, w.cols, tokens});
  };
  if (c.block.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) add(c.block.llama->*matrix);
  } else {
    for (const auto matrix : kBertMatrices) add(c.block.bert->*matrix);
  }
  return gemms;
}

double StepFlop(const StepCase& c, StepPass pass) {
  const double forward = BlockFlop(c.block);
  return pass == StepPass::kForward ? forward : 3 * forward;
}

double StepByte(const StepCase& c, StepPass pass) {
  const BlockCase& b = c.block;
  double weights = 0;
  if (b.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) {
      weights += static_cast<double>((b.llama->*matrix).Byte());
    }
    weights += 4.0 * static_cast<double>(2 * b.shape.model_dim);
  } else {
    for (const auto matrix : kBertMatrices) {
      weights += static_cast<double>((b.bert->*matrix).Byte());
    }
    weights += 4.0 * static_cast<double>(9 * b.shape.model_dim + b.shape.ffn_dim);
  }
  const double forward = weights + EdgeByte(b);
  if (pass == StepPass::kForward) return forward;
  return forward + 4.0 * WeightElements(b) + EdgeByte(b);
}

// The operands of a product are off by e each, relative: 2^-9 at most where they are rounded to
// bf16, rms 2^-9 sqrt(2 / 3) 0.72; in f32 the sum is what rounds, by 2^-24 sqrt(k) rms for k terms
// of random signs (Higham, Accuracy and Stability of Numerical Algorithms, 2.8), k the longest of
// the layer's. The longest chain, x to the gradient of Q, has 4 stages forward (K and Q, scores,
// values, output), 4 of the feed-forward network behind them, and 8 backward; products double an
// inherited error (SwiGLU, weights times V, dP - D), errors of stages are independent: 16 stages x
// 4. A factor of 2 for what this leaves out: the gain of the softmax, uneven shares. Where all else
// is kept in bf16 too (Rounding::result), a stage rounds its result, and twice within itself: the
// scores and their softmax, a gate and its product, a norm and the residual stream; one rounding is
// uniform within the unit. Measured with MLX 0.32.4: 0.012 where this gives 0.049.
double StepTolerance(const StepCase& c, Rounding rounds) {
  const double longest = static_cast<double>(std::max(c.block.shape.ffn_dim, c.block.tokens));
  const double e = StepType(c.block) == GemmType::kBF16 ? 0x1p-9 * std::sqrt(2.0 / 3.0) * 0.72
                                                        : 0x1p-24 * std::sqrt(longest);
  const double result = rounds.result * 0.72 / std::sqrt(3.0);
  const double stage = std::sqrt(e * e + 3 * result * result);
  return 2.0 * stage * std::sqrt(16.0 * 4.0);
}

std::optional<GemmType> StepType(const BlockCase& c) {
  std::optional<Format> format;
  bool mixed = false;
  const auto add = [&](const Matrix& w) {
    mixed = mixed || (format && *format != w.format);
    format = w.format;
  };
  if (c.llama != nullptr) {
    for (const auto matrix : kLayerMatrices) add(c.llama->*matrix);
  } else {
    for (const auto matrix : kBertMatrices) add(c.bert->*matrix);
  }
  if (mixed || !format) return std::nullopt;
  if (*format == Format::kF32) return GemmType::kF32;
  if (*format == Format::kBF16) return GemmType::kBF16;
  return std::nullopt;
}

}  // namespace wattline::kernels
