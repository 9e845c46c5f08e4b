// Weight matrices as MLX holds them.
#pragma once

#include <optional>
#include <string>

#include <mlx/mlx.h>

#include "kernels/matrix.h"

namespace wattline::kernels {

// [rows, cols]. Dense: `values`. Packed: MLX's groups (mlx_blocks.h); `values` holds 32-bit words
// of codes, the first in the lowest bits.
struct MlxWeights {
  mlx::core::array values;
  std::optional<mlx::core::array> scales;  // [rows, cols / group]; f16, or bytes without biases
  std::optional<mlx::core::array> biases;
  int group = 0;
  int bits = 0;
  std::string mode = "affine";
};

// Why MLX cannot hold the format without rounding it; empty where it can. q8_0, q4_0, q4_1 and mlx*
// are affine groups with f16 scales, mxfp4 and nvfp4 modes of their own. q4_k's and q5_k's scales
// are products of an f16 and a 6-bit integer, which f16 would round; q6_k has a scale for each 16
// weights.
std::string WhyNotMlxFormat(Format format);
// A copy of the matrix, evaluated. Throws what MLX throws; std::invalid_argument where the format
// is none of those above, or where a block's bias passes f16's range (65504).
MlxWeights MakeMlxWeights(const Matrix& w);

// x[tokens, cols] times the matrix: [tokens, rows], in x's type.
mlx::core::array TimesWeights(const mlx::core::array& x, const MlxWeights& w);
// The graph of all values (or of those of some rows: arrays of more dimensions), in `to`. Affine
// groups are unpacked in the type of their scales first.
mlx::core::array Unpacked(const MlxWeights& w, mlx::core::Dtype to);
// The type in which activations meet weights of this format: f16 for affine groups, bf16 for mxfp4
// and nvfp4: in the type that MLX unpacks those to where none is named, both have every value that
// their scales reach.
mlx::core::Dtype ActivationType(Format format);
// "affine 4 bit, groups of 32"; "mxfp4"; "bf16".
std::string NameOfMlx(const Matrix& w);

}  // namespace wattline::kernels
