// config.json of a model folder as mlx_lm writes it (Hugging Face's keys, and MLX's quantisation).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/model/mlx_blocks.h"
#include "kernels/model/model.h"

namespace wattline::kernels {

struct MlxConfig {
  ModelShape shape;  // without a name; tied_output is false where `tied` is absent
  std::optional<bool> tied;
  double rope_divisor = 1.0;  // of positions: "linear" scaling
  // The mode of all modules but those that have a word of their own ("model.embed_tokens"); absent
  // where the file says nothing of quantisation. The common bits and groups are not kept: the
  // arrays tell, and mlx_lm believes them too.
  std::optional<std::string> mode;
  std::map<std::string, MlxPacking> packings;
  std::string error;  // one sentence: the file, the key, its value
};

// Llama and Mistral; a sliding window is not modelled, as in Mistral's GGUF files.
MlxConfig ParseMlxConfig(std::string_view json, const std::string& source);

}  // namespace wattline::kernels
