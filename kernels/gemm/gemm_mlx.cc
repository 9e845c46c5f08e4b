#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

class MlxGemm : public MlxWork {
 public:
  MlxGemm(const GemmCase& c, mx::Dtype type)
      : type_(type),
        a_(ArrayOf(c.a, {static_cast<int>(c.shape.m), static_cast<int>(c.shape.k)}, type)),
        bt_(ArrayOf(c.bt, {static_cast<int>(c.shape.n), static_cast<int>(c.shape.k)}, type)) {}
  // The operands are of this type for every backend; C here as well.
  Rounding RoundsTo() const override { return {0, UnitOf(type_)}; }

 private:
  mx::array Graph() override { return mx::matmul(a_, mx::transpose(bt_)); }
  mx::Dtype type_;
  mx::array a_;
  mx::array bt_;
};

mx::Dtype TypeOf(GemmType type) {
  if (type == GemmType::kF16) return mx::float16;
  return type == GemmType::kBF16 ? mx::bfloat16 : mx::float32;
}

}  // namespace

MadeWork MakeMlxGemm(const Backend&, const GemmCase& c, ThreadPool&) {
  if (c.type == GemmType::kInt8) return {nullptr, "MLX multiplies no matrices of integers"};
  return MakeMlx<MlxGemm>(c, TypeOf(c.type));
}

}  // namespace wattline::kernels
