// The layouts of all formats, written for reading, in double. f16 scales times integers of at most
// 14 bits are exact; so is their sum, unless the two terms lie 2^32 apart.
#include <bit>
#include <cassert>
#include <cstring>

#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"
#include "kernels/float8.h"

namespace wattline::kernels {
namespace {

int U8(const std::byte* at) { return std::to_integer<int>(*at); }
int S8(const std::byte* at) { return static_cast<int8_t>(U8(at)); }
uint16_t U16(const std::byte* at) { return static_cast<uint16_t>(U8(at) | U8(at + 1) << 8); }
double F16(const std::byte* at) { return FloatFromF16(U16(at)); }

// An element's value is product + offset.
struct Term {
  double product = 0.0;
  double offset = 0.0;
};

// 32 elements: byte j of `q` holds element j in its low and j + 16 in its high half.
int Nibble(const std::byte* q, int i) { return i < 16 ? U8(q + i) & 15 : U8(q + i - 16) >> 4; }

// f16 d, 32 signed bytes.
Term Q8_0(const std::byte* block, int i) { return {F16(block) * S8(block + 2 + i), 0.0}; }

// f16 d, 16 bytes of nibbles.
Term Q4_0(const std::byte* block, int i) {
  return {F16(block) * Nibble(block + 2, i), -8.0 * F16(block)};
}

// f16 d, f16 minimum, 16 bytes of nibbles.
Term Q4_1(const std::byte* block, int i) {
  return {F16(block) * Nibble(block + 4, i), F16(block + 2)};
}

// The 6-bit scale and minimum of sub-block j out of 8, in 12 bytes.
struct ScaleMin {
  int scale;
  int min;
};
ScaleMin SubBlock(const std::byte* s, int j) {
  if (j < 4) return {U8(s + j) & 63, U8(s + j + 4) & 63};
  return {(U8(s + j + 4) & 15) | (U8(s + j - 4) >> 6) << 4, (U8(s + j + 4) >> 4) | (U8(s + j) >> 6)
                                                                                       << 4};
}

// 64 elements share 32 bytes: the first 32 are the low halves, the next 32 the high ones.
int WideNibble(const std::byte* q, int i) {
  const int byte = U8(q + i / 64 * 32 + i % 32);
  return i % 64 < 32 ? byte & 15 : byte >> 4;
}

// f16 d, f16 dmin, 12 bytes of scales and minima, 128 bytes of nibbles.
Term Q4_K(const std::byte* block, int i) {
  const ScaleMin s = SubBlock(block + 4, i / 32);
  return {F16(block) * s.scale * WideNibble(block + 16, i), -F16(block + 2) * s.min};
}

// As Q4_K, with a fifth bit: bit j of byte l is that of element l of sub-block j.
Term Q5_K(const std::byte* block, int i) {
  const ScaleMin s = SubBlock(block + 4, i / 32);
  const int high = U8(block + 16 + i % 32) >> (i / 32) & 1;
  return {F16(block) * s.scale * (WideNibble(block + 48, i) | high << 4), -F16(block + 2) * s.min};
}

// 128 bytes of low halves, 64 bytes of upper bit pairs, 16 signed scales, f16 d; q - 32. Each 128
// elements are four runs of 32 which share 64 low bytes (runs 0, 1 low, 2, 3 high) and 32 upper
// bytes (run r in bits 2 r).
Term Q6_K(const std::byte* block, int i) {
  const int half = i / 128, run = i % 128 / 32, l = i % 32;
  const int low = U8(block + half * 64 + run % 2 * 32 + l) >> (run / 2 * 4) & 15;
  const int high = U8(block + 128 + half * 32 + l) >> (run * 2) & 3;
  const double scale = F16(block + 208) * S8(block + 192 + i / 16);
  return {scale * (low | high << 4), -32.0 * scale};
}

// Little-endian words of 8 nibbles each, the lowest first: element 2 j is the low half of byte j,
// 2 j + 1 the high one.
int PairNibble(const std::byte* q, int i) { return U8(q + i / 2) >> i % 2 * 4 & 15; }

// f16 scale, f16 bias, pairs of nibbles.
Term AffineOf4(const std::byte* block, int i) {
  return {F16(block) * PairNibble(block + 4, i), F16(block + 2)};
}

// f16 scale, f16 bias, bytes.
Term AffineOf8(const std::byte* block, int i) {
  return {F16(block) * U8(block + 4 + i), F16(block + 2)};
}

// E8M0 scale, 16 bytes of nibbles, each an E2M1 number.
Term Mxfp4(const std::byte* block, int i) {
  return {FromE8M0(U8(block)) * FromE2M1(Nibble(block + 1, i)), 0.0};
}

// E4M3 scale, 8 bytes of pairs of nibbles, each an E2M1 number.
Term Nvfp4(const std::byte* block, int i) {
  return {FromE4M3(U8(block)) * FromE2M1(PairNibble(block + 1, i)), 0.0};
}

Term Element(Format format, const std::byte* block, int i) {
  switch (format) {
    case Format::kF32: {
      float value;
      std::memcpy(&value, block, sizeof value);
      return {value, 0.0};
    }
    case Format::kF16:
      return {F16(block), 0.0};
    case Format::kBF16:
      return {FloatFromBf16(U16(block)), 0.0};
    case Format::kQ8_0:
      return Q8_0(block, i);
    case Format::kQ4_0:
      return Q4_0(block, i);
    case Format::kQ4_1:
      return Q4_1(block, i);
    case Format::kQ4_K:
      return Q4_K(block, i);
    case Format::kQ5_K:
      return Q5_K(block, i);
    case Format::kQ6_K:
      return Q6_K(block, i);
    case Format::kMlx4:
    case Format::kMlx4G128:
      return AffineOf4(block, i);
    case Format::kMlx8G32:
    case Format::kMlx8:
    case Format::kMlx8G128:
      return AffineOf8(block, i);
    case Format::kMxfp4:
      return Mxfp4(block, i);
    case Format::kNvfp4:
      return Nvfp4(block, i);
  }
  assert(false);
  return {};
}

template <typename Part>
void ForEachElement(Format format, const std::byte* row, int64_t cols, double* out, Part part) {
  const FormatInfo& info = Info(format);
  assert(cols % info.block_elements == 0);
  for (int64_t b = 0; b < cols / info.block_elements; ++b) {
    for (int i = 0; i < info.block_elements; ++i) {
      *out++ = part(Element(format, row + b * info.block_byte, i));
    }
  }
}

}  // namespace

void DequantReference(Format format, const std::byte* row, int64_t cols, double* out) {
  ForEachElement(format, row, cols, out, [](Term t) { return t.product + t.offset; });
}

void DequantOffsetReference(Format format, const std::byte* row, int64_t cols, double* out) {
  ForEachElement(format, row, cols, out, [](Term t) { return t.offset; });
}

}  // namespace wattline::kernels
