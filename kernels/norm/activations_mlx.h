// Activation functions as graphs of MLX's operations.
#pragma once

#include <mlx/mlx.h>

namespace wattline::kernels {

// Each one kernel where MLX compiles, of any shape; part of the caller's where it is being compiled
// or differentiated.
// gate / (1 + exp(-gate)) * up
mlx::core::array SwiGluMlx(const mlx::core::array& gate, const mlx::core::array& up);
// x (1 + erf(x / sqrt 2)) / 2
mlx::core::array GeluMlx(const mlx::core::array& x);

}  // namespace wattline::kernels
