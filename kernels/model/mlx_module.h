// The names that mlx_lm and Hugging Face give the tensors of a Llama model.
#pragma once

#include <string>

#include "kernels/model/tensors.h"

namespace wattline::kernels {

// Without ".weight": "model.layers.3.self_attn.q_proj".
std::string MlxModule(const TensorSpec& spec);

}  // namespace wattline::kernels
