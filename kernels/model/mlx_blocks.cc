#include "kernels/model/mlx_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "kernels/float16.h"

namespace wattline::kernels {
namespace {

constexpr double kMostF16 = 65504;

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

// One block: its group's words, scale and bias.
void UnpackBlock(Format format, const std::byte* block, std::byte* words, uint16_t& scale,
                 uint16_t& bias) {
  scale = U16(block);
  switch (format) {
    case Format::kMlx4:
      bias = U16(block + 2);
      std::memcpy(words, block + 4, 32);
      return;
    case Format::kQ4_1:
      bias = U16(block + 2);
      return PairsFromHalves(block + 4, words);
    case Format::kQ4_0:
      bias = Scaled(scale, -8);
      return PairsFromHalves(block + 2, words);
    default:  // q8_0
      bias = Scaled(scale, -128);
      for (int i = 0; i < 32; ++i) words[i] = block[2 + i] ^ std::byte{0x80};
  }
}

void PackBlock(Format format, const std::byte* words, uint16_t scale, uint16_t bias,
               std::byte* block) {
  PutU16(scale, block);
  PutU16(bias, block + 2);
  if (format == Format::kMlx4) {
    std::memcpy(block + 4, words, 32);
  } else {
    HalvesFromPairs(words, block + 4);
  }
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

}  // namespace

std::string PackingText(const MlxPacking& packing) {
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
    default:
      return std::nullopt;
  }
}

std::optional<Format> FormatOf(const MlxPacking& packing) {
  // Those with a bias of their own.
  for (const Format format : {Format::kMlx4, Format::kQ4_1}) {
    if (PackingOf(format) == packing) return format;
  }
  return std::nullopt;
}

void UnpackBlocks(Format format, int64_t groups, const std::byte* blocks, MlxGroups to) {
  const MlxPacking packing = PackingOf(format).value();
  const int64_t word_byte = packing.group * packing.bits / 8, block_byte = Info(format).block_byte;
  for (int64_t i = 0; i < groups; ++i) {
    uint16_t scale = 0, bias = 0;
    UnpackBlock(format, blocks + i * block_byte, to.words + i * word_byte, scale, bias);
    PutU16(scale, to.scales + 2 * i);
    PutU16(bias, to.biases + 2 * i);
  }
}

std::string PackBlocks(Format format, int64_t groups, MlxSource from, std::byte* blocks,
                       HalfRounding& rounding) {
  const MlxPacking packing = PackingOf(format).value();
  const int64_t word_byte = packing.group * packing.bits / 8, block_byte = Info(format).block_byte;
  const double most_q = std::exp2(static_cast<double>(packing.bits)) - 1;
  rounding.groups += groups;
  for (int64_t i = 0; i < groups; ++i) {
    const Half scale = HalfFrom(from.scales + 2 * i, from.is_bf16);
    const Half bias = HalfFrom(from.biases + 2 * i, from.is_bf16);
    if (!scale.is_good || !bias.is_good) {
      return fmt::format("group {} has a {} that is not finite or above 65504, f16's largest", i,
                         scale.is_good ? "bias" : "scale");
    }
    PackBlock(format, from.words + i * word_byte, scale.bits, bias.bits, blocks + i * block_byte);
    const double moved_by = most_q * scale.moved_by + bias.moved_by;
    if (moved_by > 0) ++rounding.rounded;
    rounding.most = std::max(rounding.most, moved_by);
  }
  return {};
}

}  // namespace wattline::kernels
