#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "kernels/arrays_mlx.h"
#include "kernels/backend_mlx.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/block/llama_mlx.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

int Int(int64_t x) { return static_cast<int>(x); }

class MlxLlamaBlock : public MlxWork {
 public:
  explicit MlxLlamaBlock(const BlockCase& c)
      : type_(ActivationType(c.llama->ffn_gate.format)),
        start_(c.start),
        llama_(c.shape, c.rope_factors),
        layer_(c.shape, *c.llama, type_),
        cache_(RandomMlxCache(c.shape, 0, 1, c.start + c.tokens, c.start, c.cache_seed, type_)),
        x_(ArrayOf(c.x, {1, Int(c.tokens), Int(c.shape.model_dim)}, type_)) {}
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  // The cache is a result too; its positions from start on are written anew in each run.
  mx::array Graph() override { return llama_.Run(layer_, x_, start_, cache_); }

  mx::Dtype type_;
  int64_t start_;
  LlamaMlx llama_;
  MlxLayer layer_;
  MlxCache cache_;
  mx::array x_;
};

// BERT's GELU with the error function, one kernel where MLX compiles.
std::vector<mx::array> Gelu(const std::vector<mx::array>& x) {
  static const auto compiled = mx::compile(
      [](const std::vector<mx::array>& in) {
        const float inverse = static_cast<float>(1 / std::numbers::sqrt2);
        const mx::array half = mx::array(0.5f, in[0].dtype());
        const mx::array scaled = in[0] * mx::array(inverse, in[0].dtype());
        return std::vector<mx::array>{in[0] * half *
                                      (mx::array(1.0f, in[0].dtype()) + mx::erf(scaled))};
      },
      /*shapeless=*/true);
  return compiled(x);
}

class MlxBertBlock : public MlxWork {
 public:
  explicit MlxBertBlock(const BlockCase& c)
      : shape_(c.shape),
        type_(ActivationType(c.bert->ffn_up.format)),
        q_(Layer(c.bert->attn_q, c.bert->attn_q_bias)),
        k_(Layer(c.bert->attn_k, c.bert->attn_k_bias)),
        v_(Layer(c.bert->attn_v, c.bert->attn_v_bias)),
        output_(Layer(c.bert->attn_output, c.bert->attn_output_bias)),
        up_(Layer(c.bert->ffn_up, c.bert->ffn_up_bias)),
        down_(Layer(c.bert->ffn_down, c.bert->ffn_down_bias)),
        attn_norm_(Row(c.bert->attn_norm, c.shape.model_dim)),
        attn_norm_bias_(Row(c.bert->attn_norm_bias, c.shape.model_dim)),
        ffn_norm_(Row(c.bert->ffn_norm, c.shape.model_dim)),
        ffn_norm_bias_(Row(c.bert->ffn_norm_bias, c.shape.model_dim)),
        x_(ArrayOf(c.x, {1, Int(c.tokens), Int(c.shape.model_dim)}, type_)) {}
  Rounding RoundsTo() const override { return {UnitOf(type_), UnitOf(type_)}; }

 private:
  struct Affine {
    MlxWeights w;
    mx::array bias;
  };
  mx::array Row(const float* values, int64_t count) const {
    return ArrayOf(values, {Int(count)}, type_);
  }
  Affine Layer(const Matrix& w, const float* bias) const {
    return {MakeMlxWeights(w), Row(bias, w.rows)};
  }
  static mx::array Times(const mx::array& x, const Affine& a) {
    return TimesWeights(x, a.w) + a.bias;
  }
  mx::array Heads(const mx::array& x) const {
    return mx::transpose(mx::reshape(x, {1, x.shape(1), Int(shape_.heads), Int(shape_.head_dim)}),
                         {0, 2, 1, 3});
  }
  mx::array Graph() override {
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.head_dim)));
    const auto eps = static_cast<float>(shape_.rms_eps);
    const mx::array attended = mx::fast::scaled_dot_product_attention(
        Heads(Times(x_, q_)), Heads(Times(x_, k_)), Heads(Times(x_, v_)), scale);
    const mx::array rows = mx::reshape(mx::transpose(attended, {0, 2, 1, 3}), x_.shape());
    const mx::array h =
        mx::fast::layer_norm(x_ + Times(rows, output_), attn_norm_, attn_norm_bias_, eps);
    const mx::array act = Gelu({Times(h, up_)})[0];
    return mx::fast::layer_norm(h + Times(act, down_), ffn_norm_, ffn_norm_bias_, eps);
  }

  ModelShape shape_;
  mx::Dtype type_;
  Affine q_, k_, v_, output_, up_, down_;
  mx::array attn_norm_, attn_norm_bias_, ffn_norm_, ffn_norm_bias_;
  mx::array x_;
};

}  // namespace

MadeWork MakeMlxBlock(const Backend&, const BlockCase& c, ThreadPool&) {
  if (c.llama != nullptr) return MakeMlx<MlxLlamaBlock>(c);
  return MakeMlx<MlxBertBlock>(c);
}

}  // namespace wattline::kernels
