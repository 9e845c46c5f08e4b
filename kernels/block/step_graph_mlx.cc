#include "kernels/block/step_graph_mlx.h"

#include <cmath>
#include <iterator>
#include <utility>

#include "kernels/arrays_mlx.h"
#include "kernels/block/layer_matrices.h"
#include "kernels/linear/weights_mlx.h"
#include "kernels/norm/activations_mlx.h"

namespace wattline::kernels {

namespace mx = mlx::core;

// One run through a graph: its weights, and what is noted on the way.
class MlxStepGraph::Pass {
 public:
  Pass(const MlxStepGraph& graph, const MlxArrays& weights, MlxTaps* taps)
      : graph_(graph), weights_(weights), taps_(taps) {}

  const mx::array& Vector(size_t i) const { return weights_[i]; }

  mx::array Keep(mx::array value) {
    if (taps_ != nullptr) taps_->saved.push_back(value);
    return value;
  }

  // x times the next matrix.
  mx::array Times(const mx::array& x) {
    mx::array y = mx::matmul(x, mx::transpose(weights_[graph_.vectors_ + matrix_]));
    if (taps_ != nullptr) {
      taps_->inputs.push_back(x);
      if (!taps_->deltas.empty()) y = y + taps_->deltas[matrix_];
    }
    ++matrix_;
    return y;
  }

  // The same and a bias.
  mx::array Affine(const mx::array& x, size_t bias) { return Times(x) + Vector(bias); }

  mx::array Heads(const mx::array& x, int64_t heads) const {
    return HeadsMlx(x, heads, graph_.shape_.head_dim);
  }

  // [1, tokens, heads * head_dim]
  mx::array Attended(const MlxArrays& qkv) {
    if (taps_ != nullptr) taps_->qkv = qkv;
    const mx::array out = mx::transpose(graph_.Attention(qkv), {0, 2, 1, 3});
    return Keep(mx::reshape(out, {1, out.shape(1), out.shape(2) * out.shape(3)}));
  }

 private:
  const MlxStepGraph& graph_;
  const MlxArrays& weights_;
  MlxTaps* taps_;
  size_t matrix_ = 0;
};

MlxStepGraph::MlxStepGraph(const BlockCase& c, mx::Dtype type)
    : shape_(c.shape),
      is_llama_(c.llama != nullptr),
      llama_(c.shape, is_llama_ ? c.rope_factors : nullptr) {
  is_llama_ ? AddLlama(*c.llama, type) : AddBert(*c.bert, type);
}

void MlxStepGraph::AddVector(std::string_view name, const float* values, int64_t count,
                             mx::Dtype type) {
  names_.push_back(name);
  weights_.push_back(VectorOf(values, count, type));
  ++vectors_;
}

void MlxStepGraph::AddMatrix(std::string_view name, const Matrix& matrix) {
  names_.push_back(name);
  weights_.push_back(MakeMlxWeights(matrix).values);
}

void MlxStepGraph::AddLlama(const Layer& l, mx::Dtype type) {
  AddVector("attn_norm", l.attn_norm, shape_.model_dim, type);
  AddVector("ffn_norm", l.ffn_norm, shape_.model_dim, type);
  constexpr std::string_view kNames[] = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                         "ffn_gate", "ffn_up", "ffn_down"};
  for (size_t i = 0; i < std::size(kNames); ++i) AddMatrix(kNames[i], l.*kLayerMatrices[i]);
}

void MlxStepGraph::AddBert(const BertLayer& l, mx::Dtype type) {
  const int64_t dim = shape_.model_dim;
  AddVector("attn_norm", l.attn_norm, dim, type);
  AddVector("attn_norm_bias", l.attn_norm_bias, dim, type);
  AddVector("ffn_norm", l.ffn_norm, dim, type);
  AddVector("ffn_norm_bias", l.ffn_norm_bias, dim, type);
  AddVector("attn_q_bias", l.attn_q_bias, dim, type);
  AddVector("attn_k_bias", l.attn_k_bias, dim, type);
  AddVector("attn_v_bias", l.attn_v_bias, dim, type);
  AddVector("attn_output_bias", l.attn_output_bias, dim, type);
  AddVector("ffn_up_bias", l.ffn_up_bias, shape_.ffn_dim, type);
  AddVector("ffn_down_bias", l.ffn_down_bias, dim, type);
  constexpr std::string_view kNames[] = {"attn_q",      "attn_k", "attn_v",
                                         "attn_output", "ffn_up", "ffn_down"};
  for (size_t i = 0; i < std::size(kNames); ++i) AddMatrix(kNames[i], l.*kBertMatrices[i]);
}

mx::array MlxStepGraph::Attention(const MlxArrays& qkv) const {
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.head_dim)));
  const bool masked = is_llama_ && qkv[0].shape(2) > 1;
  return mx::fast::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], scale,
                                                masked ? "causal" : "");
}

mx::array MlxStepGraph::Forward(const MlxArrays& weights, const mx::array& x, MlxTaps* taps) const {
  Pass pass(*this, weights, taps);
  return is_llama_ ? LlamaForward(x, pass) : BertForward(x, pass);
}

mx::array MlxStepGraph::LlamaForward(const mx::array& x, Pass& pass) const {
  const mx::array in = pass.Keep(llama_.Norm(x, pass.Vector(0)));
  const mx::array q = pass.Keep(llama_.Rope(pass.Heads(pass.Times(in), shape_.heads), 0));
  const mx::array k = pass.Keep(llama_.Rope(pass.Heads(pass.Times(in), shape_.kv_heads), 0));
  const mx::array v = pass.Keep(pass.Heads(pass.Times(in), shape_.kv_heads));
  const mx::array h = pass.Keep(x + pass.Times(pass.Attended({q, k, v})));
  const mx::array ffn_in = pass.Keep(llama_.Norm(h, pass.Vector(1)));
  const mx::array gate = pass.Keep(pass.Times(ffn_in));
  const mx::array up = pass.Keep(pass.Times(ffn_in));
  return h + pass.Times(pass.Keep(SwiGluMlx(gate, up)));
}

// Post-norm; the vectors in AddBert's order.
mx::array MlxStepGraph::BertForward(const mx::array& x, Pass& pass) const {
  const auto eps = static_cast<float>(shape_.rms_eps);
  const auto norm = [&](const mx::array& in, size_t weight) {
    return mx::fast::layer_norm(in, pass.Vector(weight), pass.Vector(weight + 1), eps);
  };
  const auto heads = [&](size_t bias) {
    return pass.Keep(pass.Heads(pass.Affine(x, bias), shape_.heads));
  };
  const mx::array q = heads(4), k = heads(5), v = heads(6);
  const mx::array attended = pass.Keep(x + pass.Affine(pass.Attended({q, k, v}), 7));
  const mx::array h = pass.Keep(norm(attended, 0));
  const mx::array up = pass.Keep(pass.Affine(h, 8));
  return norm(pass.Keep(h + pass.Affine(pass.Keep(GeluMlx(up)), 9)), 2);
}

}  // namespace wattline::kernels
