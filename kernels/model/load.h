// A Llama model from a file: GGUF, memory-mapped, every claim of the file checked; or MLX's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "kernels/model/model.h"

namespace wattline::kernels {

// A folder or a name that ends in ".safetensors": mlx_load.h. Else a GGUF file:
//
// Architecture "llama" without biases and experts; tensors in any Format, mixed. The error names
// the file, the key or tensor, its value, and what is supported.
//
// shape.name is general.basename with its size_label, else general.name, else the file's stem, in
// lower-case letters, digits, '.' and '-'. format is general.file_type's name where it is known,
// else the format that holds most bytes. Norms are copied, matrices stay in the mapping.
LoadedModel LoadModel(const std::string& path);

// The same from bytes in memory, aligned to 8, which `storage` keeps alive; `source` is what errors
// call them.
LoadedModel LoadModelFromMemory(std::span<const std::byte> bytes, const std::string& source,
                                std::shared_ptr<const void> storage);

}  // namespace wattline::kernels
