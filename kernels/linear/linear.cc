#include "kernels/linear/linear.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"

namespace wattline::kernels {
namespace {

constexpr int64_t kQ8Block = 32;

// gamma_n = n u / (1 - n u), u = 2^-24: the relative error of a path of n roundings in f32
// (Higham, Accuracy and Stability of Numerical Algorithms, 2002, lemma 3.1).
double Gamma(double roundings) {
  const double nu = roundings * 0x1p-24;
  return nu / (1.0 - nu);
}

// sum |x_i| |w_i|, which relative errors of operands multiply.
double Magnitude(const double* w, const float* x, int64_t cols) {
  double sum = 0.0;
  for (int64_t i = 0; i < cols; ++i) sum += std::abs(w[i]) * std::abs(x[i]);
  return sum;
}

// Kernels may raise q8_0's signed integers by 128 and take 128 scale sum(x) off again.
void AddQ8Offset(const Matrix& m, int64_t row, std::vector<double>& offset) {
  const int64_t block_byte = Info(Format::kQ8_0).block_byte;
  for (int64_t i = 0; i < m.cols; ++i) {
    uint16_t scale;
    std::memcpy(&scale, m.Row(row) + i / kQ8Block * block_byte, sizeof scale);
    offset[static_cast<size_t>(i)] = -128.0 * FloatFromF16(scale);
  }
}

// x_i becomes s q_i with s = max|x| / 127 of its block of 32. q is the nearest integer to x / s,
// so |x_i - s q_i| <= s / 2, and rounding s and the quotient moves it by a few u of 127 s more. The
// kernels sum products and offsets apart (dequant.h): magnitude sum |s q_i| (|w_i| + 2 |offset_i|);
// sums within a block are integers below 2^31 with one rounding to f32. One rounding per block, two
// for the scales, one for the offset's part, and the lanes' tree: 2 per block + 32 in all.
//
// Panels (packed_tile_avx512.h) read integer sums as floats 1.5 2^23 + sum, which the block's scale
// takes away again without error, except where a block has a scale for each half (q6_k, offset -32
// scale): the first half's multiply-add rounds once with 1.5 2^23 times the other half's scale
// still in its sum, an error of s 1.5 2^23 u = 0.75 s times that scale.
double Q8Tolerance(const Matrix& m, const double* w, const float* x, int64_t row) {
  std::vector<double> offset(static_cast<size_t>(m.cols));
  DequantOffsetReference(m.format, m.Row(row), m.cols, offset.data());
  if (m.format == Format::kQ8_0) AddQ8Offset(m, row, offset);
  double rounding = 0.0, magnitude = 0.0;
  for (int64_t b = 0; b < m.cols; b += kQ8Block) {
    double largest = 0.0, weight = 0.0;
    for (int64_t i = b; i < b + kQ8Block; ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(x[i])));
      weight += std::abs(w[i]);
      magnitude +=
          std::abs(x[i]) * (std::abs(w[i]) + 2.0 * std::abs(offset[static_cast<size_t>(i)]));
    }
    rounding += largest / 127.0 * (0.5 + 127.0 * Gamma(4)) * weight;
    if (m.format == Format::kQ6_K) {
      rounding += largest / 127.0 * 0.76 * std::abs(offset[static_cast<size_t>(b + 16)]) / 32.0;
    }
  }
  // |s q| may pass |x| by half a step: at most 1.5 / 127 of the largest, covered by a factor 1.02
  // on average magnitudes and by `rounding` itself where x is small.
  return rounding * 1.001 +
         1.02 * Gamma(2.0 * static_cast<double>(m.cols / kQ8Block) + 32) * magnitude;
}

// A narrower type rounds x, the product scale q (of size |w| + |offset|), the offset and their sum.
double NarrowRounding(const Matrix& m, const double* w, const float* x, int64_t row, double unit) {
  if (unit == 0) return 0;
  std::vector<double> offset(static_cast<size_t>(m.cols));
  DequantOffsetReference(m.format, m.Row(row), m.cols, offset.data());
  if (m.format == Format::kQ8_0) AddQ8Offset(m, row, offset);
  double sum = 0;
  for (int64_t i = 0; i < m.cols; ++i) {
    sum += std::abs(static_cast<double>(x[i])) *
           (3 * std::abs(w[i]) + 2 * std::abs(offset[static_cast<size_t>(i)]));
  }
  return 1.01 * unit * sum;
}

}  // namespace

ActivationBuffer::ActivationBuffer(int64_t tokens, int64_t cols)
    : panel_(PanelByte(tokens, cols)),
      q8_(tokens * cols),
      q8_scale_(tokens * ((cols + kQ8Block - 1) / kQ8Block)),
      q8_block_sum_(q8_scale_.size()),
      lanes_(LanesByte(std::min(tokens, kGemvTokens), cols)) {}

Activations ActivationBuffer::View(const float* x, int64_t tokens, int64_t cols) const {
  assert(PanelByte(tokens, cols) <= panel_.size());
  return {tokens,       cols, x, panel_.data(), q8_.data(), q8_scale_.data(), q8_block_sum_.data(),
          lanes_.data()};
}

ActivationForm LinearForm(Format format, int64_t tokens, int64_t) {
  const bool few = tokens <= kGemvTokens;
  if (IsQuantised(format)) return few ? ActivationForm::kQ8 : ActivationForm::kPanelQ8;
  return few ? ActivationForm::kF32 : ActivationForm::kPanelF32;
}

double LinearByte(const Matrix& w, int64_t tokens) {
  return static_cast<double>(w.Byte()) +
         4.0 * static_cast<double>(tokens) * static_cast<double>(w.cols + w.rows);
}

double LinearTolerance(const LinearCase& c, int64_t token, int64_t row, double unit) {
  const Matrix& m = c.w;
  const float* x = c.x + token * m.cols;
  std::vector<double> w(static_cast<size_t>(m.cols));
  DequantReference(m.format, m.Row(row), m.cols, w.data());
  const auto cols = static_cast<double>(m.cols);
  const double narrow = NarrowRounding(m, w.data(), x, row, unit);
  // Backends other than the CPU's keep activations of 11 or 8 significant bits.
  const bool meets_q8 = IsQuantised(m.format) && CpuHolds(m.format);
  const double of_q8 = meets_q8 ? Q8Tolerance(m, w.data(), x, row) : 0;
  if (c.tokens <= kGemvTokens) {
    if (of_q8 > 0) return narrow + of_q8;
    // f32 activations, a fused multiply-add per element in at least 4 lanes, then their tree.
    return narrow + Gamma(cols / 4 + 16) * Magnitude(w.data(), x, m.cols);
  }
  // Both operands may be rounded to bf16 (8 significant bits: relative 2^-8 each); one chain of
  // multiply-adds. Quantised weights take either form, by instruction set.
  return narrow +
         std::max(of_q8, (0x1p-7 + 0x1p-16 + Gamma(cols + 16)) * Magnitude(w.data(), x, m.cols));
}

}  // namespace wattline::kernels
