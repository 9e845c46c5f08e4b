#include "kernels/model/mlx_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "kernels/float16.h"
#include "kernels/float8.h"

namespace wattline::kernels {
namespace {

constexpr double kMostF16 = 65504;
constexpr double kMostE2M1 = 6;

uint16_t U16(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}
void PutU16(uint16_t bits, std::byte* to) { std::memcpy(to, &bits, sizeof bits); }

// times * d, which is exact: `times` is a power of two.
uint16_t Scaled(uint16_t d, float times) {
  const float value = times * FloatFromF16(d);
  const uint16_t bits = F16FromFloat(value);
  if (FloatFromF16(bits) != value) {
    throw std::invalid_argument("a block's scale of " + std::to_string(FloatFromF16(d)) +
                                " leaves no room in f16 for its offset");
  }
  return bits;
}

// Byte j of GGUF's 16 holds elements j (low) and j + 16; of MLX's, 2 j (low) and 2 j + 1.
void PairsFromHalves(const std::byte* q, std::byte* words) {
  for (int i = 0; i < 16; i += 2) {
    words[i / 2] = (q[i] & std::byte{15}) | q[i + 1] << 4;
    words[8 + i / 2] = q[i] >> 4 | (q[i + 1] & std::byte{0xf0});
  }
}
void HalvesFromPairs(const std::byte* words, std::byte* q) {
  for (int i = 0; i < 16; i += 2) {
    q[i] = (words[i / 2] & std::byte{15}) | words[8 + i / 2] << 4;
    q[i + 1] = words[i / 2] >> 4 | (words[8 + i / 2] & std::byte{0xf0});
  }
}

// What lies before the codes of a block with all that its group has: scale and bias, or a scale.
int64_t HeadByte(const MlxPacking& packing) {
  return packing.HasBiases() ? 2 * packing.ScaleByte() : packing.ScaleByte();
}
int64_t WordByte(const MlxPacking& packing) { return packing.group * packing.bits / 8; }

// One block to one group.
void UnpackBlock(Format format, const MlxPacking& packing, const std::byte* block, MlxGroups to) {
  std::memcpy(to.scales, block, static_cast<size_t>(packing.ScaleByte()));
  const std::byte* codes = block + HeadByte(packing);
  switch (format) {
    case Format::kQ8_0:
      PutU16(Scaled(U16(block), -128), to.biases);
      for (int i = 0; i < 32; ++i) to.words[i] = block[2 + i] ^ std::byte{0x80};
      return;
    case Format::kQ4_0:
      PutU16(Scaled(U16(block), -8), to.biases);
      return PairsFromHalves(block + 2, to.words);
    case Format::kQ4_1:
      PutU16(U16(block + 2), to.biases);
      return PairsFromHalves(codes, to.words);
    case Format::kMxfp4:
      return PairsFromHalves(codes, to.words);
    default:  // the group's own bytes
      if (packing.HasBiases()) PutU16(U16(block + 2), to.biases);
      std::memcpy(to.words, codes, static_cast<size_t>(WordByte(packing)));
  }
}

void PackCodes(Format format, const MlxPacking& packing, const std::byte* words, std::byte* block) {
  std::byte* codes = block + HeadByte(packing);
  if (format == Format::kQ4_1 || format == Format::kMxfp4) return HalvesFromPairs(words, codes);
  std::memcpy(codes, words, static_cast<size_t>(WordByte(packing)));
}

struct Half {
  uint16_t bits = 0;
  double moved_by = 0;
  bool is_good = false;
};
Half HalfFrom(const std::byte* at, bool is_bf16) {
  const uint16_t bits = U16(at);
  const float value = is_bf16 ? FloatFromBf16(bits) : FloatFromF16(bits);
  if (!(std::abs(value) <= kMostF16)) return {};
  if (!is_bf16) return {bits, 0, true};
  const uint16_t half = F16FromFloat(value);
  return {half, std::abs(static_cast<double>(FloatFromF16(half)) - static_cast<double>(value)),
          true};
}

// Into blocks whose scale is a byte, which is kept as it is.
std::string PackByteScales(Format format, const MlxPacking& packing, int64_t groups, MlxSource from,
                           std::byte* blocks) {
  const int64_t block_byte = Info(format).block_byte;
  for (int64_t i = 0; i < groups; ++i) {
    const int code = std::to_integer<int>(from.scales[i]);
    const double scale = format == Format::kMxfp4 ? FromE8M0(code) : FromE4M3(code);
    if (!(kMostE2M1 * scale <= std::numeric_limits<float>::max())) {
      return fmt::format("group {} has the scale code {}, which is NaN or passes f32's range", i,
                         code);
    }
    blocks[i * block_byte] = from.scales[i];
    PackCodes(format, packing, from.words + i * WordByte(packing), blocks + i * block_byte);
  }
  return {};
}

}  // namespace

std::string PackingText(const MlxPacking& packing) {
  if (!packing.HasBiases() && FormatOf(packing)) return packing.mode;
  return fmt::format("{} {} bit, groups of {}", packing.mode, packing.bits, packing.group);
}

std::optional<MlxPacking> PackingOf(Format format) {
  switch (format) {
    case Format::kQ8_0:
      return MlxPacking{32, 8};
    case Format::kQ4_0:
    case Format::kQ4_1:
      return MlxPacking{32, 4};
    case Format::kMlx4:
      return MlxPacking{64, 4};
    case Format::kMlx4G128:
      return MlxPacking{128, 4};
    case Format::kMlx8G32:
      return MlxPacking{32, 8};
    case Format::kMlx8:
      return MlxPacking{64, 8};
    case Format::kMlx8G128:
      return MlxPacking{128, 8};
    case Format::kMxfp4:
      return MlxPacking{32, 4, "mxfp4"};
    case Format::kNvfp4:
      return MlxPacking{16, 4, "nvfp4"};
    default:
      return std::nullopt;
  }
}

std::optional<Format> FormatOf(const MlxPacking& packing) {
  // Not q8_0 and q4_0, which have no bias of their own.
  for (const Format format : {Format::kQ4_1, Format::kMlx4, Format::kMlx4G128, Format::kMlx8G32,
                              Format::kMlx8, Format::kMlx8G128, Format::kMxfp4, Format::kNvfp4}) {
    if (PackingOf(format) == packing) return format;
  }
  return std::nullopt;
}

void UnpackBlocks(Format format, int64_t groups, const std::byte* blocks, MlxGroups to) {
  const MlxPacking packing = PackingOf(format).value();
  for (int64_t i = 0; i < groups; ++i) {
    UnpackBlock(format, packing, blocks + i * Info(format).block_byte,
                {to.words + i * WordByte(packing), to.scales + i * packing.ScaleByte(),
                 packing.HasBiases() ? to.biases + 2 * i : nullptr});
  }
}

std::string PackBlocks(Format format, int64_t groups, MlxSource from, std::byte* blocks,
                       HalfRounding& rounding) {
  const MlxPacking packing = PackingOf(format).value();
  rounding.groups += groups;
  if (!packing.HasBiases()) return PackByteScales(format, packing, groups, from, blocks);
  const double most_q = std::exp2(static_cast<double>(packing.bits)) - 1;
  for (int64_t i = 0; i < groups; ++i) {
    const Half scale = HalfFrom(from.scales + 2 * i, from.is_bf16);
    const Half bias = HalfFrom(from.biases + 2 * i, from.is_bf16);
    if (!scale.is_good || !bias.is_good) {
      return fmt::format("group {} has a {} that is not finite or above 65504, f16's largest", i,
                         scale.is_good ? "bias" : "scale");
    }
    std::byte* block = blocks + i * Info(format).block_byte;
    PutU16(scale.bits, block);
    PutU16(bias.bits, block + 2);
    PackCodes(format, packing, from.words + i * WordByte(packing), block);
    const double moved_by = most_q * scale.moved_by + bias.moved_by;
    if (moved_by > 0) ++rounding.rounded;
    rounding.most = std::max(rounding.most, moved_by);
  }
  return {};
}

}  // namespace wattline::kernels
