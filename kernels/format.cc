#include "kernels/format.h"

#include <array>
#include <cassert>

namespace wattline::kernels {
namespace {

// Block sizes and type codes: ggml docs/gguf.md and ggml-common.h; mlx*, nvfp4: format.h.
constexpr std::array<FormatInfo, 16> kFormats = {{
    {Format::kF32, "f32", 1, 4, 0},
    {Format::kF16, "f16", 1, 2, 1},
    {Format::kBF16, "bf16", 1, 2, 30},
    {Format::kQ8_0, "q8_0", 32, 34, 8},
    {Format::kQ4_0, "q4_0", 32, 18, 2},
    {Format::kQ4_1, "q4_1", 32, 20, 3},
    {Format::kQ4_K, "q4_k", 256, 144, 12},
    {Format::kQ5_K, "q5_k", 256, 176, 13},
    {Format::kQ6_K, "q6_k", 256, 210, 14},
    {Format::kMlx4, "mlx4", 64, 36, std::nullopt},
    {Format::kMlx4G128, "mlx4_g128", 128, 68, std::nullopt},
    {Format::kMlx8G32, "mlx8_g32", 32, 36, std::nullopt},
    {Format::kMlx8, "mlx8", 64, 68, std::nullopt},
    {Format::kMlx8G128, "mlx8_g128", 128, 132, std::nullopt},
    {Format::kMxfp4, "mxfp4", 32, 17, 39},
    {Format::kNvfp4, "nvfp4", 16, 9, std::nullopt},
}};

}  // namespace

std::span<const FormatInfo> AllFormats() { return kFormats; }

const FormatInfo& Info(Format format) { return kFormats[static_cast<size_t>(format)]; }

std::optional<Format> FormatFromName(std::string_view name) {
  for (const FormatInfo& info : kFormats) {
    if (info.name == name) return info.format;
  }
  return std::nullopt;
}

std::optional<Format> FormatFromGgufType(uint32_t type) {
  for (const FormatInfo& info : kFormats) {
    if (info.gguf_type == type) return info.format;
  }
  return std::nullopt;
}

int64_t RowByte(Format format, int64_t cols) {
  const FormatInfo& info = Info(format);
  assert(cols % info.block_elements == 0);
  return cols / info.block_elements * info.block_byte;
}

bool IsQuantised(Format format) { return Info(format).block_elements > 1; }

}  // namespace wattline::kernels
