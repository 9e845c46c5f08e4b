#include "kernels/linear/weights_mlx.h"

#include <stdexcept>

#include "kernels/buffer.h"
#include "kernels/model/mlx_blocks.h"

namespace wattline::kernels {
namespace {

namespace mx = mlx::core;

mx::array Raw(const void* data, mx::Shape shape, mx::Dtype type) {
  if (type == mx::float32) return mx::array(static_cast<const float*>(data), shape, type);
  if (type == mx::float16) return mx::array(static_cast<const mx::float16_t*>(data), shape, type);
  if (type == mx::uint32) return mx::array(static_cast<const uint32_t*>(data), shape, type);
  if (type == mx::uint8) return mx::array(static_cast<const uint8_t*>(data), shape, type);
  return mx::array(static_cast<const mx::bfloat16_t*>(data), shape, type);
}

mx::Dtype DenseType(Format format) {
  if (format == Format::kF16) return mx::float16;
  return format == Format::kBF16 ? mx::bfloat16 : mx::float32;
}

}  // namespace

std::string WhyNotMlxFormat(Format format) {
  if (!IsQuantised(format) || PackingOf(format)) return {};
  return "MLX's affine groups cannot hold " + std::string(Info(format).name) +
         " without rounding its scales";
}

MlxWeights MakeMlxWeights(const Matrix& w) {
  const std::string why_not = WhyNotMlxFormat(w.format);
  if (!why_not.empty()) throw std::invalid_argument(why_not);
  const auto rows = static_cast<int>(w.rows), cols = static_cast<int>(w.cols);
  const std::optional<MlxPacking> packing = PackingOf(w.format);
  if (!packing) {
    MlxWeights dense{Raw(w.data, {rows, cols}, DenseType(w.format)), {}, {}};
    mx::eval(dense.values);
    return dense;
  }
  const int64_t groups = w.rows * w.cols / packing->group;
  const auto group = static_cast<int>(packing->group), bits = static_cast<int>(packing->bits);
  RawBuffer words(static_cast<size_t>(groups * group * bits / 8));
  RawBuffer scales(static_cast<size_t>(groups * packing->ScaleByte())), biases(scales.byte());
  UnpackBlocks(w.format, groups, w.data, {words.data(), scales.data(), biases.data()});
  const mx::Shape of_groups = {rows, cols / group};
  const mx::Dtype type = packing->HasBiases() ? mx::float16 : mx::uint8;
  MlxWeights packed{Raw(words.data(), {rows, cols * bits / 32}, mx::uint32),
                    Raw(scales.data(), of_groups, type),
                    {},
                    group,
                    bits,
                    packing->mode};
  if (packing->HasBiases()) packed.biases = Raw(biases.data(), of_groups, type);
  mx::eval(packed.values, *packed.scales);
  if (packed.biases) mx::eval(*packed.biases);
  return packed;
}

mx::array TimesWeights(const mx::array& x, const MlxWeights& w) {
  if (!w.scales) return mx::matmul(x, mx::transpose(w.values));
  return mx::quantized_matmul(x, w.values, *w.scales, w.biases, true, w.group, w.bits, w.mode);
}

mx::array Unpacked(const MlxWeights& w, mx::Dtype to) {
  if (!w.scales) return mx::astype(w.values, to);
  return mx::dequantize(w.values, *w.scales, w.biases, w.group, w.bits, w.mode, std::nullopt, to);
}

mx::Dtype ActivationType(Format format) {
  const std::optional<MlxPacking> packing = PackingOf(format);
  if (!packing) return DenseType(format);
  return packing->HasBiases() ? mx::float16 : mx::bfloat16;
}

std::string NameOfMlx(const Matrix& w) {
  const std::optional<MlxPacking> packing = PackingOf(w.format);
  return packing ? PackingText(*packing) : std::string(Info(w.format).name);
}

}  // namespace wattline::kernels
