#include "kernels/linear/weights_mlx.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/float16.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

struct Affine {
  int group;
  int bits;
};
std::optional<Affine> AffineOf(Format format) {
  switch (format) {
    case Format::kQ8_0:
      return Affine{32, 8};
    case Format::kQ4_0:
    case Format::kQ4_1:
      return Affine{32, 4};
    case Format::kMlx4:
      return Affine{64, 4};
    default:
      return std::nullopt;
  }
}

uint16_t U16(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

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

// One block: its group's words, scale and bias.
void Convert(Format format, const std::byte* block, std::byte* words, uint16_t* scale,
             uint16_t* bias) {
  *scale = U16(block);
  if (format == Format::kMlx4) {
    *bias = U16(block + 2);
    std::memcpy(words, block + 4, 32);
    return;
  }
  if (format == Format::kQ8_0) {
    *bias = Scaled(*scale, -128);
    for (int i = 0; i < 32; ++i) words[i] = block[2 + i] ^ std::byte{0x80};
    return;
  }
  const bool has_minimum = format == Format::kQ4_1;
  *bias = has_minimum ? U16(block + 2) : Scaled(*scale, -8);
  // Byte j of GGUF's block holds elements j and j + 16; of MLX's words, 2 j and 2 j + 1.
  const std::byte* q = block + (has_minimum ? 4 : 2);
  for (int i = 0; i < 16; i += 2) {
    words[i / 2] = (q[i] & std::byte{15}) | q[i + 1] << 4;
    words[8 + i / 2] = q[i] >> 4 | (q[i + 1] & std::byte{0xf0});
  }
}

mx::array Raw(const void* data, mx::Shape shape, mx::Dtype type) {
  if (type == mx::float32) return mx::array(static_cast<const float*>(data), shape, type);
  if (type == mx::float16) return mx::array(static_cast<const mx::float16_t*>(data), shape, type);
  if (type == mx::uint32) return mx::array(static_cast<const uint32_t*>(data), shape, type);
  return mx::array(static_cast<const mx::bfloat16_t*>(data), shape, type);
}

mx::Dtype DenseType(Format format) {
  if (format == Format::kF16) return mx::float16;
  return format == Format::kBF16 ? mx::bfloat16 : mx::float32;
}

}  // namespace

std::string WhyNotMlxFormat(Format format) {
  if (!IsQuantised(format) || AffineOf(format)) return {};
  return "MLX's affine groups cannot hold " + std::string(Info(format).name) +
         " without rounding its scales";
}

MlxWeights MakeMlxWeights(const Matrix& w) {
  const std::string why_not = WhyNotMlxFormat(w.format);
  if (!why_not.empty()) throw std::invalid_argument(why_not);
  const auto rows = static_cast<int>(w.rows), cols = static_cast<int>(w.cols);
  const std::optional<Affine> affine = AffineOf(w.format);
  if (!affine) {
    MlxWeights dense{Raw(w.data, {rows, cols}, DenseType(w.format)), {}, {}};
    mx::eval(dense.values);
    return dense;
  }
  const int64_t blocks = w.rows * w.cols / affine->group;
  const int64_t word_byte = affine->group * affine->bits / 8;
  const int64_t block_byte = Info(w.format).block_byte;
  RawBuffer words(static_cast<size_t>(blocks * word_byte));
  std::vector<uint16_t> scales(static_cast<size_t>(blocks)), biases(scales.size());
  for (int64_t i = 0; i < blocks; ++i) {
    const auto at = static_cast<size_t>(i);
    Convert(w.format, w.data + i * block_byte, words.data() + i * word_byte, &scales[at],
            &biases[at]);
  }
  const int groups = cols / affine->group;
  MlxWeights packed{Raw(words.data(), {rows, cols * affine->bits / 32}, mx::uint32),
                    Raw(scales.data(), {rows, groups}, mx::float16),
                    Raw(biases.data(), {rows, groups}, mx::float16), affine->group, affine->bits};
  mx::eval(packed.values, *packed.scales, *packed.biases);
  return packed;
}

mx::array TimesWeights(const mx::array& x, const MlxWeights& w) {
  if (!w.scales) return mx::matmul(x, mx::transpose(w.values));
  return mx::quantized_matmul(x, w.values, *w.scales, w.biases, true, w.group, w.bits);
}

mx::Dtype ActivationType(Format format) {
  return IsQuantised(format) ? mx::float16 : DenseType(format);
}

std::string NameOfMlx(const Matrix& w) {
  const std::optional<Affine> affine = AffineOf(w.format);
  if (!affine) return std::string(Info(w.format).name);
  return "affine " + std::to_string(affine->bits) + " bit, groups of " +
         std::to_string(affine->group);
}

}  // namespace wattline::kernels
