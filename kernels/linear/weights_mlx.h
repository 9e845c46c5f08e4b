// Weight matrices as MLX holds them.
#pragma once

#include <optional>
#include <string>

#include <mlx/mlx.h>

#include "kernels/matrix.h"

namespace wattline::kernels {

// [rows, cols]. Dense: `values`. Packed: MLX's affine groups, value = scale * q + bias with q >= 0;
// `values` holds 32-bit words of q, the first in the lowest bits.
struct MlxWeights {
  mlx::core::array values;
  std::optional<mlx::core::array> scales;  // f16 [rows, cols / group], as the biases
  std::optional<mlx::core::array> biases;
  int group = 0;
  int bits = 0;
};

// Why MLX cannot hold the format without rounding it; empty where it can. q8_0, q4_0, q4_1 and mlx4
// are affine groups of 32 or 64 with f16 scales. q4_k's and q5_k's scales are products of an f16
// and a 6-bit integer, which f16 would round; q6_k has a scale for each 16 weights.
std::string WhyNotMlxFormat(Format format);
// A copy of the matrix, evaluated. Throws what MLX throws; std::invalid_argument where the format
// is none of those above, or where a block's bias passes f16's range (65504).
MlxWeights MakeMlxWeights(const Matrix& w);

// x[tokens, cols] times the matrix: [tokens, rows], in x's type.
mlx::core::array TimesWeights(const mlx::core::array& x, const MlxWeights& w);
// The type in which activations meet weights of this format: f16 for packed ones.
mlx::core::Dtype ActivationType(Format format);
// "affine 4 bit, groups of 32"; "bf16".
std::string NameOfMlx(const Matrix& w);

}  // namespace wattline::kernels
