// The container of Hugging Face's and MLX's model files: safetensors, read in place from bytes that
// nobody has checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wattline::kernels {

struct SafeTensor {
  std::string name;
  std::string dtype;                // "F32", "F16", "BF16", "U32", "U8", ...
  std::vector<int64_t> shape;       // slowest first
  std::span<const std::byte> data;  // a view into the bytes that were parsed, at any alignment
};

// `error` is empty or says in one sentence what is wrong, with the value, its tensor and its place.
// Nothing is read outside of `bytes`.
struct ParsedSafetensors {
  std::vector<SafeTensor> tensors;
  std::string error;
};
// `source` is what errors call the bytes: the path. Format: the README of
// github.com/huggingface/safetensors. A hole between tensors is no error here, an overlap is.
ParsedSafetensors ParseSafetensors(std::span<const std::byte> bytes, const std::string& source);

// "[3, 4]"
std::string ShapeText(std::span<const int64_t> shape);

}  // namespace wattline::kernels
