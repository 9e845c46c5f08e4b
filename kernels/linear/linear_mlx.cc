#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/linear/weights_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

class MlxLinear : public MlxWork {
 public:
  explicit MlxLinear(const LinearCase& c)
      : name_(NameOfMlx(c.w)),
        type_(ActivationType(c.w.format)),
        w_(MakeMlxWeights(c.w)),
        x_(ArrayOf(c.x, {static_cast<int>(c.tokens), static_cast<int>(c.w.cols)}, type_)) {}
  std::string Kernel() const override {
    const char* activations = type_ == mx::float16 ? ", f16 activations, "
                              : w_.scales          ? ", bf16 activations, "
                                                   : ", ";
    return name_ + activations + MlxWork::Kernel();
  }
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  mx::array Graph() override { return TimesWeights(x_, w_); }
  std::string name_;
  mx::Dtype type_;
  MlxWeights w_;
  mx::array x_;
};

}  // namespace

MadeWork MakeMlxLinear(const Backend&, const LinearCase& c, ThreadPool&) {
  return MakeMlx<MlxLinear>(c);
}

}  // namespace wattline::kernels
