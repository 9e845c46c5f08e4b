// What the mlx files share: values into MLX's arrays and back, and work that evaluates them.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <mlx/mlx.h>

#include "kernels/matrix.h"
#include "kernels/work.h"

namespace wattline::kernels {

// Sizes are int to MLX.
inline int Int(int64_t x) { return static_cast<int>(x); }

// A copy of `values`, rounded to `type`, on the default device.
mlx::core::array ArrayOf(const float* values, mlx::core::Shape shape, mlx::core::Dtype type);
mlx::core::array VectorOf(const float* values, int64_t count, mlx::core::Dtype type);
// The values of an evaluated array, row-major.
std::vector<float> FloatsOf(const mlx::core::array& array);
// Half a unit in the last place of `type`, relative: 2^-24, 2^-11 (f16), 2^-8 (bf16).
double UnitOf(mlx::core::Dtype type);
// The graph of [sequences, heads, tokens, head_dim] from [sequences, tokens, heads * head_dim].
mlx::core::array HeadsMlx(const mlx::core::array& x, int64_t heads, int64_t head_dim);

// Work whose result is one array. MLX is lazy: Graph() only describes the operation; Run evaluates
// it and returns when the device has finished. No such work can forget it.
class MlxWork : public Work {
 public:
  void Run() final;
  std::vector<float> Result() const override { return FloatsOf(out_); }
  std::string Kernel() const override;

 protected:
  virtual mlx::core::array Graph() = 0;

 private:
  mlx::core::array out_ = mlx::core::array(0.0f);
};

// MLX reports by exceptions: they become the sentence of MadeWork.
template <class W, class... Args>
MadeWork MakeMlx(Args&&... args) {
  try {
    return {std::make_unique<W>(std::forward<Args>(args)...), {}};
  } catch (const std::exception& error) {
    return {nullptr, std::string("MLX: ") + error.what()};
  }
}

}  // namespace wattline::kernels
