#include "kernels/block/bert_mlx.h"

#include <cmath>

#include "kernels/arrays_mlx.h"
#include "kernels/norm/activations_mlx.h"

namespace wattline::kernels {

namespace mx = mlx::core;

MlxAffine::MlxAffine(const Matrix& matrix, const float* bias_values, mx::Dtype activations)
    : w(MakeMlxWeights(matrix)), bias(VectorOf(bias_values, matrix.rows, activations)) {}

mx::array TimesAffine(const mx::array& x, const MlxAffine& a) {
  return TimesWeights(x, a.w) + a.bias;
}

MlxBertLayer::MlxBertLayer(const ModelShape& shape, const BertLayer& l, mx::Dtype activations)
    : attn_q(l.attn_q, l.attn_q_bias, activations),
      attn_k(l.attn_k, l.attn_k_bias, activations),
      attn_v(l.attn_v, l.attn_v_bias, activations),
      attn_output(l.attn_output, l.attn_output_bias, activations),
      ffn_up(l.ffn_up, l.ffn_up_bias, activations),
      ffn_down(l.ffn_down, l.ffn_down_bias, activations),
      attn_norm(VectorOf(l.attn_norm, shape.model_dim, activations)),
      attn_norm_bias(VectorOf(l.attn_norm_bias, shape.model_dim, activations)),
      ffn_norm(VectorOf(l.ffn_norm, shape.model_dim, activations)),
      ffn_norm_bias(VectorOf(l.ffn_norm_bias, shape.model_dim, activations)) {}

mx::array RunBertMlx(const ModelShape& shape, const MlxBertLayer& l, const mx::array& x) {
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape.head_dim)));
  const auto eps = static_cast<float>(shape.rms_eps);
  const auto heads = [&](const MlxAffine& a) {
    return HeadsMlx(TimesAffine(x, a), shape.heads, shape.head_dim);
  };
  const mx::array attended = mx::fast::scaled_dot_product_attention(
      heads(l.attn_q), heads(l.attn_k), heads(l.attn_v), scale);
  const mx::array rows = mx::reshape(mx::transpose(attended, {0, 2, 1, 3}), x.shape());
  const mx::array h = mx::fast::layer_norm(x + TimesAffine(rows, l.attn_output), l.attn_norm,
                                           l.attn_norm_bias, eps);
  const mx::array act = GeluMlx(TimesAffine(h, l.ffn_up));
  return mx::fast::layer_norm(h + TimesAffine(act, l.ffn_down), l.ffn_norm, l.ffn_norm_bias, eps);
}

}  // namespace wattline::kernels
