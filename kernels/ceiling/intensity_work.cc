#include "kernels/ceiling/intensity_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "kernels/float16.h"
#include "kernels/random.h"

namespace wattline::kernels {
namespace {

// Signs and mantissas are random, the exponent is that of 1.
StreamFill FillOf(PeakFormat format) {
  switch (format) {
    case PeakFormat::kF32:
      return {0x807fffff807fffffu, 0x3f8000003f800000u};
    case PeakFormat::kBF16:
      return {0x807f807f807f807fu, 0x3f803f803f803f80u};
    case PeakFormat::kInt8:
      break;
  }
  return {~uint64_t{0}, 0};
}

int64_t PeakElementByte(PeakFormat format) {
  return static_cast<int64_t>(2 / IntensityOfOne(format));
}

double Element(PeakFormat format, const void* array, int64_t i) {
  const char* const at = static_cast<const char*>(array) + i * PeakElementByte(format);
  if (format == PeakFormat::kF32) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  if (format == PeakFormat::kBF16) {
    uint16_t bits;
    std::memcpy(&bits, at, sizeof(bits));
    return FloatFromBf16(bits);
  }
  return static_cast<double>(static_cast<int8_t>(*at));
}

// `value` is a small integer, exact in every format.
void SetElement(PeakFormat format, char* array, int64_t i, int value) {
  char* const at = array + i * PeakElementByte(format);
  const auto single = static_cast<float>(value);
  const uint16_t half = Bf16FromFloat(single);
  if (format == PeakFormat::kF32) std::memcpy(at, &single, sizeof(single));
  if (format == PeakFormat::kBF16) std::memcpy(at, &half, sizeof(half));
  if (format == PeakFormat::kInt8) *at = static_cast<char>(value);
}

int64_t WholeBlocks(const IntensityKernel& kernel, int64_t byte) {
  const int64_t block_byte = kernel.BlockByte();
  return std::max(block_byte, byte / block_byte * block_byte);
}

}  // namespace

IntensityBuffer::IntensityBuffer(PeakFormat format, int64_t footprint_byte, ThreadPool& pool)
    : format_(format),
      memory_(footprint_byte, pool, FillOf(format)),
      multipliers_(kLineByte / int64_t{sizeof(uint64_t)}),
      places_(static_cast<size_t>(pool.size())) {
  const StreamFill fill = FillOf(format);
  const uint64_t no_sign = format == PeakFormat::kInt8 ? 0x7f7f7f7f7f7f7f7fu : ~uint64_t{0};
  Random random(0);
  for (uint64_t& word : multipliers_.span()) {
    word = ((random.Next() & fill.random_bits) | fill.fixed_bits) & no_sign;
  }
}

IntensityWork::IntensityWork(const IntensityKernel& kernel, IntensityBuffer& buffer,
                             const IntensityShape& shape, ThreadPool& pool)
    : kernel_(kernel),
      buffer_(buffer),
      shape_(shape),
      pool_(pool),
      cells_(static_cast<size_t>(pool.size())) {
  assert(kernel.format == buffer.format());
  shape_.footprint_byte = WholeBlocks(kernel, shape.footprint_byte);
  shape_.step_byte = std::min(WholeBlocks(kernel, shape.step_byte), shape_.footprint_byte);
  assert(shape_.footprint_byte <= buffer.footprint_byte());
  body_ = [this](Worker& worker) { Walk(worker.slice().index); };
}

double IntensityWork::Byte() const {
  return static_cast<double>(shape_.step_byte) * static_cast<double>(steps_) * pool_.size();
}

double IntensityWork::Flop() const { return Byte() * shape_.flop_per_byte; }

void IntensityWork::Walk(int thread) {
  const int64_t block_byte = kernel_.BlockByte();
  // Another kernel, or another footprint, may have left it anywhere.
  int64_t at_byte = buffer_.at_byte(thread) / block_byte * block_byte;
  if (at_byte >= shape_.footprint_byte) at_byte = 0;
  double sum = 0;
  for (int64_t left_byte = shape_.step_byte * steps_; left_byte > 0;) {
    IntensityArgs args;
    args.x = buffer_.part(thread) + at_byte;
    args.y = buffer_.multipliers();
    args.byte = std::min(left_byte, shape_.footprint_byte - at_byte);
    // Whole walks in one call: a small footprint's takes less time than a call's own beginning.
    if (at_byte == 0) args.passes = std::max<int64_t>(1, left_byte / shape_.footprint_byte);
    args.flop_per_byte = shape_.flop_per_byte;
    sum += kernel_.run(args);
    left_byte -= args.byte * args.passes;
    at_byte = (at_byte + args.byte) % shape_.footprint_byte;
  }
  buffer_.at_byte(thread) = at_byte;
  cells_[static_cast<size_t>(thread)].sum = sum;
}

void IntensityWork::Run() { pool_.Run(body_); }

std::vector<float> IntensityWork::Result() const {
  std::vector<float> sums;
  for (const Cell& cell : cells_) sums.push_back(static_cast<float>(cell.sum));
  return sums;
}

double IntensityReference(const IntensityKernel& kernel, const IntensityArgs& args) {
  const double mul_adds = args.flop_per_byte / IntensityOfOne(kernel.format);
  const auto every = static_cast<int64_t>(std::max(1.0, 1 / mul_adds));
  const int64_t elements = kernel.vector_byte / PeakElementByte(kernel.format);
  double sum = 0;
  for (int64_t v = 0; v < args.byte / kernel.vector_byte; v += every) {
    for (int64_t i = 0; i < elements; ++i) {
      sum += Element(kernel.format, args.x, v * elements + i) * Element(kernel.format, args.y, i);
    }
  }
  return sum * std::max(1.0, mul_adds) * static_cast<double>(args.passes);
}

std::string WhyWrong(const IntensityKernel& kernel, double flop_per_byte) {
  const int64_t byte = 2 * kernel.BlockByte();
  const Buffer<char> x(byte);
  const Buffer<char> y(kLineByte);
  Random random(1);
  // Up to 3: the sum in an accumulator's lane is below 2^24, so that no rounding hides in it.
  for (int64_t i = 0; i < byte / PeakElementByte(kernel.format); ++i) {
    SetElement(kernel.format, x.data(), i, static_cast<int>(random.Next() % 7) - 3);
  }
  for (int64_t i = 0; i < kLineByte / PeakElementByte(kernel.format); ++i) {
    SetElement(kernel.format, y.data(), i, static_cast<int>(random.Next() % 3) + 1);
  }
  const IntensityArgs args{
      .x = x.data(), .y = y.data(), .byte = byte, .flop_per_byte = flop_per_byte};
  const double sum = kernel.run(args);
  const double expected = IntensityReference(kernel, args);
  if (sum == expected) return {};
  return fmt::format("{} at {} FLOP per byte sums up to {}, reference {}", kernel.name,
                     flop_per_byte, sum, expected);
}

}  // namespace wattline::kernels
