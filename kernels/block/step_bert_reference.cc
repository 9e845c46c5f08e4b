// The step of training in double precision: BERT's block.
#include <cmath>
#include <numbers>

#include "kernels/block/step_reference.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {

using step_reference::BiasGradient;
using step_reference::Doubles;
using step_reference::Heads;
using step_reference::LayerNormBackward;
using step_reference::LayerNormForward;
using step_reference::Linear;
using step_reference::Plus;
using step_reference::PlusBias;

void BertStepReference(const StepCase& c, ThreadPool& pool,
                       const std::function<void(StepTensor<double>)>& take) {
  const ModelShape& s = c.block.shape;
  const BertLayer& l = *c.block.bert;
  const int64_t dim = s.model_dim;
  const Heads heads{c.block.tokens, s.heads, s.kv_heads, s.head_dim, false};
  const Linear linear{pool, c.block.tokens};
  const auto affine = [&](const Matrix& w, const float* bias, const Doubles& x) {
    return PlusBias(linear.Forward(w, x), bias, w.rows);
  };

  const Doubles x(c.block.x, c.block.x + c.block.tokens * dim);
  const Doubles q = affine(l.attn_q, l.attn_q_bias, x);
  const Doubles k = affine(l.attn_k, l.attn_k_bias, x);
  const Doubles v = affine(l.attn_v, l.attn_v_bias, x);
  const Doubles attended = heads.Forward(pool, q, k, v);
  const Doubles s1 = Plus(x, affine(l.attn_output, l.attn_output_bias, attended));
  const Doubles x1 = LayerNormForward(s1, l.attn_norm, l.attn_norm_bias, dim, s.rms_eps);
  const Doubles up = affine(l.ffn_up, l.ffn_up_bias, x1);
  Doubles hidden(up.size());
  GeluReference(up.data(), static_cast<int64_t>(up.size()), hidden.data());
  const Doubles s2 = Plus(x1, affine(l.ffn_down, l.ffn_down_bias, hidden));
  take({"y", LayerNormForward(s2, l.ffn_norm, l.ffn_norm_bias, dim, s.rms_eps)});

  const Doubles dy(c.dy, c.dy + c.block.tokens * dim);
  Doubles dffn_norm, dffn_norm_bias, dattn_norm, dattn_norm_bias;
  const Doubles ds2 =
      LayerNormBackward(s2, dy, l.ffn_norm, dim, s.rms_eps, dffn_norm, dffn_norm_bias);
  Doubles dup = linear.InputGradient(l.ffn_down, ds2);
  for (size_t i = 0; i < dup.size(); ++i) {
    const double density = std::exp(-up[i] * up[i] / 2) / std::sqrt(2 * std::numbers::pi);
    dup[i] *= std::erfc(-up[i] * std::sqrt(0.5)) / 2 + up[i] * density;
  }
  const Doubles dx1 = Plus(ds2, linear.InputGradient(l.ffn_up, dup));
  const Doubles ds1 =
      LayerNormBackward(s1, dx1, l.attn_norm, dim, s.rms_eps, dattn_norm, dattn_norm_bias);
  Doubles dq, dk, dv;
  heads.Backward(pool, q, k, v, attended, linear.InputGradient(l.attn_output, ds1), dq, dk, dv);
  take({"dx",
        Plus(ds1, Plus(Plus(linear.InputGradient(l.attn_q, dq), linear.InputGradient(l.attn_k, dk)),
                       linear.InputGradient(l.attn_v, dv)))});
  take({"attn_norm", dattn_norm});
  take({"attn_norm_bias", dattn_norm_bias});
  take({"ffn_norm", dffn_norm});
  take({"ffn_norm_bias", dffn_norm_bias});
  take({"attn_q_bias", BiasGradient(dq, dim)});
  take({"attn_k_bias", BiasGradient(dk, dim)});
  take({"attn_v_bias", BiasGradient(dv, dim)});
  take({"attn_output_bias", BiasGradient(ds1, dim)});
  take({"ffn_up_bias", BiasGradient(dup, s.ffn_dim)});
  take({"ffn_down_bias", BiasGradient(ds2, dim)});
  take({"attn_q", linear.WeightGradient(dq, x)});
  take({"attn_k", linear.WeightGradient(dk, x)});
  take({"attn_v", linear.WeightGradient(dv, x)});
  take({"attn_output", linear.WeightGradient(ds1, attended)});
  take({"ffn_up", linear.WeightGradient(dup, x1)});
  take({"ffn_down", linear.WeightGradient(ds2, hidden)});
}

}  // namespace wattline::kernels
