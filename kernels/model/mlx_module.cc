#include "kernels/model/mlx_module.h"

#include <fmt/format.h>

namespace wattline::kernels {

std::string MlxModule(const TensorSpec& spec) {
  const auto in_layer = [&spec](const char* name) {
    return fmt::format("model.layers.{}.{}", spec.layer, name);
  };
  switch (spec.role) {
    case TensorRole::kTokenEmbd:
      return "model.embed_tokens";
    case TensorRole::kAttnNorm:
      return in_layer("input_layernorm");
    case TensorRole::kAttnQ:
      return in_layer("self_attn.q_proj");
    case TensorRole::kAttnK:
      return in_layer("self_attn.k_proj");
    case TensorRole::kAttnV:
      return in_layer("self_attn.v_proj");
    case TensorRole::kAttnOutput:
      return in_layer("self_attn.o_proj");
    case TensorRole::kFfnNorm:
      return in_layer("post_attention_layernorm");
    case TensorRole::kFfnGate:
      return in_layer("mlp.gate_proj");
    case TensorRole::kFfnUp:
      return in_layer("mlp.up_proj");
    case TensorRole::kFfnDown:
      return in_layer("mlp.down_proj");
    case TensorRole::kOutputNorm:
      return "model.norm";
    case TensorRole::kOutput:
      return "lm_head";
  }
  return {};
}

}  // namespace wattline::kernels
