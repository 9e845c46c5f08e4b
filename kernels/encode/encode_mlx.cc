#include <string>
#include <vector>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/block/bert_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

class MlxEncode : public MlxWork {
 public:
  explicit MlxEncode(const EncodeCase& c)
      : shape_(c.model->shape),
        type_(ActivationType(c.model->token_embd.format)),
        token_embd_(MakeMlxWeights(c.model->token_embd).values),
        position_embd_(MakeMlxWeights(c.model->position_embd).values),
        segment_embd_(MakeMlxWeights(c.model->segment_embd).values),
        embd_norm_(Vector(c.model->embd_norm)),
        embd_norm_bias_(Vector(c.model->embd_norm_bias)),
        pooler_(c.model->pooler, c.model->pooler_bias, type_),
        tokens_(c.tokens.data(), {1, Int(std::ssize(c.tokens))}, mx::int32),
        segments_(c.segments.data(), {1, Int(std::ssize(c.segments))}, mx::int32) {
    for (const BertLayer& layer : c.model->layers) layers_.emplace_back(shape_, layer, type_);
  }
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  mx::array Vector(const float* values) const {
    return ArrayOf(values, {Int(shape_.model_dim)}, type_);
  }
  mx::array Graph() override {
    const int count = tokens_.shape(1), dim = Int(shape_.model_dim);
    const mx::array positions = mx::slice(position_embd_, {0, 0}, {count, dim});
    mx::array x = mx::fast::layer_norm(
        mx::take(token_embd_, tokens_, 0) + positions + mx::take(segment_embd_, segments_, 0),
        embd_norm_, embd_norm_bias_, static_cast<float>(shape_.rms_eps));
    for (const MlxBertLayer& layer : layers_) x = RunBertMlx(shape_, layer, x);
    const mx::array h = mx::reshape(x, {count, dim});
    const mx::array first = mx::slice(h, {0, 0}, {1, dim});
    return mx::concatenate({h, mx::tanh(TimesAffine(first, pooler_))}, 0);
  }

  ModelShape shape_;
  mx::Dtype type_;
  mx::array token_embd_, position_embd_, segment_embd_, embd_norm_, embd_norm_bias_;
  MlxAffine pooler_;
  std::vector<MlxBertLayer> layers_;
  mx::array tokens_, segments_;
};

}  // namespace

MadeWork MakeMlxEncode(const Backend&, const EncodeCase& c, ThreadPool&) {
  std::string why_not = WhyNotEncode(c);
  if (why_not.empty() && IsQuantised(c.model->token_embd.format)) {
    why_not = "MLX: rows of packed embedding tables are not read here";
  }
  if (!why_not.empty()) return {nullptr, why_not};
  return MakeMlx<MlxEncode>(c);
}

}  // namespace wattline::kernels
