// The number formats of weights: their names, their block sizes and bytes, their GGUF type codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wattline::kernels {

// Layouts of the packed formats are those of GGUF v3 (ggml-common.h of the ggml project), kMxfp4
// included, but for those that MLX alone has (ml-explore/mlx, documentation of mlx.core.quantize),
// one group to a block:
// - kMlx*: mode "affine", 4 or 8 bits; kMlx4 are its defaults, 4 bits and groups of 64. MLX keeps
//   scales and biases in arrays of their own, in the type of the activations; here they lie before
//   each group's integers, as f16: as many bits a weight in both.
// - kNvfp4: mode "nvfp4", without a scale for the whole matrix. GGUF's type of that name has blocks
//   of four groups.
enum class Format : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kMlx4,
  kMlx4G128,
  kMlx8G32,
  kMlx8,
  kMlx8G128,
  kMxfp4,
  kNvfp4,
};

struct FormatInfo {
  Format format;
  std::string_view name;              // as in benchmark names: "q4_0"
  int64_t block_elements;             // elements in one block; a row holds a whole number of blocks
  int64_t block_byte;                 // bytes of one block
  std::optional<uint32_t> gguf_type;  // ggml_type code; no file holds a format without one
};

std::span<const FormatInfo> AllFormats();
const FormatInfo& Info(Format format);
std::optional<Format> FormatFromName(std::string_view name);
std::optional<Format> FormatFromGgufType(uint32_t type);

// Bytes of `cols` elements. `cols` is a multiple of the format's block_elements.
int64_t RowByte(Format format, int64_t cols);

// True for the formats whose rows are blocks of numbers of a few bits with scales.
bool IsQuantised(Format format);

}  // namespace wattline::kernels
