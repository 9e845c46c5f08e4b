#include "kernels/ceiling/cuda_tensor.h"

#include <bit>
#include <cassert>
#include <cmath>

namespace wattline::kernels {
namespace {

constexpr TensorFormat kBF16 = {2, 0x80788078, 0x3f803f80, 0x80008000, false};
constexpr TensorFormat kF16 = {2, 0x83c083c0, 0x3c003c00, 0x80008000, false};
constexpr TensorFormat kInt8 = {4, 0xffffffff, 0, 0xffffffff, true};

}  // namespace

const TensorFormat& TensorFormatOf(CudaFormat format) {
  assert(format != CudaFormat::kF32);
  if (format == CudaFormat::kInt8) return kInt8;
  return format == CudaFormat::kBF16 ? kBF16 : kF16;
}

double Number(const TensorFormat& format, uint32_t word, int i) {
  if (format.pack == 4) return static_cast<int8_t>(word >> (8 * i));
  const uint32_t half = (word >> (16 * i)) & 0xffff;
  if (format.set == kBF16.set) return std::bit_cast<float>(half << 16);
  const double mantissa = 1 + (half & 0x3ff) / 1024.0;
  const double magnitude = mantissa * std::exp2(static_cast<int>((half >> 10) & 0x1f) - 15);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

uint32_t Bits(const TensorFormat& format, double sum) {
  if (format.whole_number) return static_cast<uint32_t>(static_cast<int64_t>(sum));
  return std::bit_cast<uint32_t>(static_cast<float>(sum));
}

uint32_t OperandWord(uint32_t keep, uint32_t set, uint32_t lane, uint32_t index) {
  return (Mixed(lane + kWarp * (index + 1)) & keep) | set;
}

void AddOperandWord(PtxText& text, const std::string& to, uint32_t keep, uint32_t set, int index) {
  text.Add("add.u32 %seed, %lane, {}", kWarp * (index + 1));
  AddMix(text, to, "%seed");
  text.Add("and.b32 {0}, {0}, {1}", to, keep);
  text.Add("or.b32 {0}, {0}, {1}", to, set);
}

}  // namespace wattline::kernels
