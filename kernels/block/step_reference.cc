// The step of training in double precision: Llama's block.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/block/step.h"
#include "kernels/block/step_reference.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {
namespace {

using step_reference::Doubles;
using step_reference::Heads;
using step_reference::Linear;
using step_reference::Plus;
using step_reference::RmsBackward;
using step_reference::RmsForward;
using step_reference::Rows;

class LlamaStep {
 public:
  LlamaStep(const StepCase& c, ThreadPool& pool,
            const std::function<void(StepTensor<double>)>& take)
      : shape_(c.block.shape),
        layer_(*c.block.llama),
        factors_(c.block.rope_factors),
        pool_(pool),
        take_(take),
        heads_{c.block.tokens, shape_.heads, shape_.kv_heads, shape_.head_dim, true},
        linear_{pool, c.block.tokens},
        x_(c.block.x, c.block.x + c.block.tokens * shape_.model_dim),
        dy_(c.dy, c.dy + c.block.tokens * shape_.model_dim) {}

  void Run() {
    Forward();
    Doubles dx = FeedForwardBackward();
    AttentionBackward(dx);
    take_({"dx", dx});
    for (const auto& [name, values] : gradients_) take_({name, values});
    for (const auto& [name, dy, x] : weights_) take_({name, linear_.WeightGradient(*dy, *x)});
  }

 private:
  // RoPE on every head of x; backwards by the inverse rotation.
  void Rope(Doubles& x, bool inverse) {
    const int64_t per_token = static_cast<int64_t>(x.size()) / heads_.tokens;
    Rows(pool_, heads_.tokens, [&](int64_t t) {
      for (int64_t at = t * per_token; at < (t + 1) * per_token; at += shape_.head_dim) {
        RopeReference(x.data() + at, shape_.rope_dim, inverse ? -t : t, shape_.rope_base, factors_,
                      shape_.rope_layout);
      }
    });
  }

  void Forward() {
    n1_ = RmsForward(x_, layer_.attn_norm, shape_.model_dim, shape_.rms_eps);
    q_ = linear_.Forward(layer_.attn_q, n1_);
    k_ = linear_.Forward(layer_.attn_k, n1_);
    v_ = linear_.Forward(layer_.attn_v, n1_);
    Rope(q_, false);
    Rope(k_, false);
    attended_ = heads_.Forward(pool_, q_, k_, v_);
    x1_ = Plus(x_, linear_.Forward(layer_.attn_output, attended_));
    n2_ = RmsForward(x1_, layer_.ffn_norm, shape_.model_dim, shape_.rms_eps);
    gate_ = linear_.Forward(layer_.ffn_gate, n2_);
    up_ = linear_.Forward(layer_.ffn_up, n2_);
    hidden_.resize(gate_.size());
    SwiGluReference(gate_.data(), up_.data(), static_cast<int64_t>(gate_.size()), hidden_.data());
    take_({"y", Plus(x1_, linear_.Forward(layer_.ffn_down, hidden_))});
  }

  // From dy to the gradient of x1, the residual stream between the two sublayers.
  Doubles FeedForwardBackward() {
    const Doubles dh = linear_.InputGradient(layer_.ffn_down, dy_);
    dgate_.resize(dh.size());
    dup_.resize(dh.size());
    for (size_t i = 0; i < dh.size(); ++i) {
      const double s = 1 / (1 + std::exp(-gate_[i]));
      dgate_[i] = dh[i] * up_[i] * s * (1 + gate_[i] * (1 - s));
      dup_[i] = dh[i] * gate_[i] * s;
    }
    const Doubles dn = Plus(linear_.InputGradient(layer_.ffn_gate, dgate_),
                            linear_.InputGradient(layer_.ffn_up, dup_));
    Doubles dw;
    Doubles dx =
        Plus(dy_, RmsBackward(x1_, dn, layer_.ffn_norm, shape_.model_dim, shape_.rms_eps, dw));
    dffn_norm_ = std::move(dw);
    weights_ = {{"ffn_gate", &dgate_, &n2_}, {"ffn_up", &dup_, &n2_}, {"ffn_down", &dy_, &hidden_}};
    return dx;
  }

  // From the gradient of x1 to that of x.
  void AttentionBackward(Doubles& dx) {
    dx1_ = dx;
    const Doubles dout = linear_.InputGradient(layer_.attn_output, dx1_);
    heads_.Backward(pool_, q_, k_, v_, attended_, dout, dq_, dk_, dv_);
    Rope(dq_, true);
    Rope(dk_, true);
    const Doubles dn = Plus(
        Plus(linear_.InputGradient(layer_.attn_q, dq_), linear_.InputGradient(layer_.attn_k, dk_)),
        linear_.InputGradient(layer_.attn_v, dv_));
    Doubles dw;
    dx = Plus(dx, RmsBackward(x_, dn, layer_.attn_norm, shape_.model_dim, shape_.rms_eps, dw));
    gradients_ = {{"attn_norm", dw}, {"ffn_norm", dffn_norm_}};
    weights_.insert(weights_.begin(), {{"attn_q", &dq_, &n1_},
                                       {"attn_k", &dk_, &n1_},
                                       {"attn_v", &dv_, &n1_},
                                       {"attn_output", &dx1_, &attended_}});
  }

  struct Named {
    std::string_view name;
    Doubles values;
  };
  struct Weight {
    std::string_view name;
    const Doubles* dy;
    const Doubles* x;
  };
  const ModelShape& shape_;
  const Layer& layer_;
  const float* factors_;
  ThreadPool& pool_;
  const std::function<void(StepTensor<double>)>& take_;
  const Heads heads_;
  const Linear linear_;
  const Doubles x_, dy_;
  Doubles n1_, q_, k_, v_, attended_, x1_, n2_, gate_, up_, hidden_;
  Doubles dgate_, dup_, dffn_norm_, dx1_, dq_, dk_, dv_;
  std::vector<Named> gradients_;
  std::vector<Weight> weights_;
};

}  // namespace

void StepReference(const StepCase& c, ThreadPool& pool,
                   const std::function<void(StepTensor<double>)>& take) {
  if (c.block.llama == nullptr) return BertStepReference(c, pool, take);
  LlamaStep(c, pool, take).Run();
}

}  // namespace wattline::kernels
