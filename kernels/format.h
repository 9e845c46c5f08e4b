// The number formats of weights: their names, their block sizes and bytes, their GGUF type codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wattline::kernels {

// Layouts of the packed formats are those of GGUF v3 (ggml-common.h of the ggml project).
enum class Format : uint8_t { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ4_K, kQ5_K, kQ6_K };

struct FormatInfo {
  Format format;
  std::string_view name;   // as in benchmark names: "q4_0"
  int64_t block_elements;  // elements in one block; a row holds a whole number of blocks
  int64_t block_byte;      // bytes of one block
  uint32_t gguf_type;      // ggml_type code
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
