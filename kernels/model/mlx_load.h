// A Llama model from MLX's own files: config.json and safetensors, every claim of them checked.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/model/model.h"

namespace wattline::kernels {

// A folder as mlx_lm writes it (config.json, and model.safetensors or the shards that
// model.safetensors.index.json names), or one safetensors file with config.json beside it. Matrices
// are dense (F32, F16, BF16) or packed as FormatOf names them, and are copied: the packed ones into
// blocks, exactly but for what `note` says. Norms are copied as f32.
//
// shape.name is the folder's, in lower-case letters, digits, '.' and '-'; of a folder in Hugging
// Face's cache, the repository's. format is the one that holds most bytes.
LoadedModel LoadMlxModel(const std::string& path);
// Whether LoadMlxModel is the one to ask: a folder, or a file whose name ends in ".safetensors".
bool IsMlxModel(const std::string& path);

// The same from bytes in memory; `source` is what errors call them.
struct NamedBytes {
  std::string source;
  std::span<const std::byte> bytes;
};
LoadedModel LoadMlxFromMemory(const NamedBytes& config, const std::vector<NamedBytes>& weights);

}  // namespace wattline::kernels
