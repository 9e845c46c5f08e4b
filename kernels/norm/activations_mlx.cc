#include "kernels/norm/activations_mlx.h"

#include <numbers>
#include <vector>

namespace wattline::kernels {

namespace mx = mlx::core;

mx::array SwiGluMlx(const mx::array& gate, const mx::array& up) {
  static const auto compiled = mx::compile(
      [](const std::vector<mx::array>& in) {
        return std::vector<mx::array>{in[0] * mx::sigmoid(in[0]) * in[1]};
      },
      /*shapeless=*/true);
  return compiled({gate, up})[0];
}

mx::array GeluMlx(const mx::array& x) {
  static const auto compiled = mx::compile(
      [](const std::vector<mx::array>& in) {
        const float inverse = static_cast<float>(1 / std::numbers::sqrt2);
        const mx::array half = mx::array(0.5f, in[0].dtype());
        const mx::array scaled = in[0] * mx::array(inverse, in[0].dtype());
        return std::vector<mx::array>{in[0] * half *
                                      (mx::array(1.0f, in[0].dtype()) + mx::erf(scaled))};
      },
      /*shapeless=*/true);
  return compiled({x})[0];
}

}  // namespace wattline::kernels
