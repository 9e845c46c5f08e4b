#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/linear/weights_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

class MlxDequant : public MlxWork {
 public:
  MlxDequant(const Matrix& w, mx::Dtype to) : to_(to), w_(MakeMlxWeights(w)), name_(NameOfMlx(w)) {
    // In f32, product and sum are exact or rounded once; MLX unpacks in the type of the scales.
    // Those of one byte need no type: products with E2M1's values are exact in bf16 too.
    if (!w_.biases) return;
    w_.scales = mx::astype(*w_.scales, to);
    w_.biases = mx::astype(*w_.biases, to);
    mx::eval(*w_.scales, *w_.biases);
  }
  std::string Kernel() const override { return name_ + ", " + MlxWork::Kernel(); }
  // In bf16 scale, bias, their product and the sum are rounded.
  Rounding RoundsTo() const override { return {UnitOf(to_), UnitOf(to_)}; }

 private:
  mx::array Graph() override { return Unpacked(w_, to_); }
  mx::Dtype to_;
  MlxWeights w_;
  std::string name_;
};

}  // namespace

MadeWork MakeMlxDequant(const Backend&, const Matrix& w, Format to, ThreadPool&) {
  if (to == Format::kF32) return MakeMlx<MlxDequant>(w, mx::float32);
  if (to == Format::kBF16) return MakeMlx<MlxDequant>(w, mx::bfloat16);
  return {nullptr, "rows unpack to f32 and bf16, not to " + std::string(Info(to).name)};
}

}  // namespace wattline::kernels
