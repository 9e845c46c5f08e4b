#include <cmath>
#include <optional>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/norm/activations_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

// The error of sine and cosine on Apple's GPUs, where MLX's kernel of RoPE takes Metal's fast ones:
// 2^-13 from -pi to pi, larger beyond (Metal Shading Language Specification, accuracy of functions
// in fast math). Angles reach the position itself, so twice that is allowed for; no Mac has told.
constexpr double kMetalFastSine = 0x1p-12;

class MlxNorm : public MlxWork {
 public:
  explicit MlxNorm(const NormCase& c)
      : case_(c), x_(RowsOf(c.x)), up_(x_), weight_(VectorIf(c.weight)), bias_(VectorIf(c.bias)) {
    if (c.up != nullptr) up_ = RowsOf(c.up);
  }
  Rounding RoundsTo() const override {
    const bool fast =
        case_.operation == NormOperation::kRope && mx::metal::is_available() && MlxOnGpu();
    return {fast ? kMetalFastSine : 0, 0};
  }

 private:
  mx::array Graph() override {
    switch (case_.operation) {
      case NormOperation::kRmsNorm:
        return mx::fast::rms_norm(x_, weight_, case_.eps);
      case NormOperation::kLayerNorm:
        return mx::fast::layer_norm(x_, weight_, bias_, case_.eps);
      case NormOperation::kRope:
        return mx::fast::rope(x_, Int(case_.cols), case_.layout == RopeLayout::kAdjacent,
                              static_cast<float>(case_.base), 1.0f, Int(case_.position));
      case NormOperation::kSwiGlu:
        return SwiGluMlx(x_, up_);
      case NormOperation::kGelu:
        return GeluMlx(x_);
      case NormOperation::kQuantiseQ8:
        break;
    }
    return x_;
  }
  // RoPE takes [sequences, heads, positions, head_dim]: a decode step's heads, all at one position.
  mx::array RowsOf(const float* values) const {
    const int rows = Int(case_.rows), cols = Int(case_.cols);
    if (case_.operation == NormOperation::kRope) {
      return ArrayOf(values, {1, rows, 1, cols}, mx::float32);
    }
    return ArrayOf(values, {rows, cols}, mx::float32);
  }
  std::optional<mx::array> VectorIf(const float* values) const {
    if (values == nullptr) return std::nullopt;
    return VectorOf(values, case_.cols, mx::float32);
  }

  NormCase case_;
  mx::array x_, up_;
  std::optional<mx::array> weight_, bias_;
};

}  // namespace

MadeWork MakeMlxNorm(const Backend&, const NormCase& c, ThreadPool&) {
  if (c.operation == NormOperation::kQuantiseQ8) {
    return {nullptr, "MLX rounds no activations to 8 bit: it multiplies packed weights with f16"};
  }
  return MakeMlx<MlxNorm>(c);
}

}  // namespace wattline::kernels
