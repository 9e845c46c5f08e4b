// Writes model folders in the manner of mlx_lm: config.json and model.safetensors.
#pragma once

#include <string>

#include "kernels/model/model.h"

namespace wattline::kernels {

struct MlxFiles {
  std::string config;   // config.json
  std::string weights;  // model.safetensors
  std::string error;    // one sentence where the model cannot be written so
};

// Matrices in one format, dense or one that FormatOf (mlx_blocks.h) names; norms in the type of the
// activations, which are f16 for packed weights, bf16 where their scales are bytes: rounded, where
// the model's are not of that type.
// No tokenizer: these are models for loaders and for timing.
MlxFiles MlxFilesOf(const Model& model);

// The same into a folder, which is made where it is missing. Each file is whole or as it was
// before. Empty, or one sentence that names the file and the reason.
std::string WriteMlxFolder(const Model& model, const std::string& folder);

}  // namespace wattline::kernels
