// The number formats of weights: their names, their block sizes and bytes, their GGUF type codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wattline::kernels {

// Layouts of the packed formats are those of GGUF v3 (ggml-common.h of the ggml project), but for
// kMlx4: MLX's affine quantisation at its default of 4 bits and groups of 64 (ml-explore/mlx,
// documentation of mlx.core.quantize, mode "affine"). MLX keeps scales and biases in arrays of
// their own, in the type of the activations; here they lie before each group's 32 bytes, as f16:
// 4.5 bits a weight in both.
enum class Format : uint8_t { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ4_K, kQ5_K, kQ6_K, kMlx4 };

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

// True for the formats whose rows are blocks of small integers with scales.
bool IsQuantised(Format format);

}  // namespace wattline::kernels
