// The packed formats over any instruction set's vectors: the integers of 32 elements, and the scale
// and offset that make values of them. Layouts: dequant_reference.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// Unpack<V, kFormat>, V an instruction set's vectors (packed_avx2.h), has
//   kRuns            runs of 32 elements in a block
//   kBlockByte
//   kScales          scales in a run: 1, or 2 for its halves
//   kSigned          q may be negative; then offsets are left out, the integers hold all
//   kLargest         largest |q|
//   kOffset          whether Scales writes offsets
//   Scales<kCount>   of kCount runs from a block on, kCount 8 or kRuns:
//                    scale[kCount * kScales], offset[kCount]
//   Q<kRun>          the integers of run kRun of the block at `block`
// so that element = q * scale + offset.
template <class V, Format kFormat>
struct Unpack;

// Formats of one run: the f16 scale lies first in the block.
template <class V, int kByte>
struct OneRun {
  static constexpr int kRuns = 1;
  static constexpr int kBlockByte = kByte;
  static constexpr int kScales = 1;

  template <int kCount>
  static void Halves(const std::byte* at, float* out) {
    if constexpr (kCount == 8) {
      V::template HalvesToFloats<kByte>(at, out);
    } else {
      out[0] = V::HalfToFloat(at);
    }
  }
};

template <class V>
struct Unpack<V, Format::kQ8_0> : OneRun<V, 34> {
  static constexpr int kLargest = 128;
  static constexpr bool kSigned = true;
  static constexpr bool kOffset = false;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float*) {
    OneRun<V, 34>::template Halves<kCount>(block, scale);
  }
  template <int>
  static typename V::Bytes Q(const std::byte* block) {
    return V::Load(block + 2);
  }
};

template <class V>
struct Unpack<V, Format::kQ4_0> : OneRun<V, 18> {
  static constexpr int kLargest = 15;
  static constexpr bool kSigned = false;
  static constexpr bool kOffset = true;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float* offset) {
    OneRun<V, 18>::template Halves<kCount>(block, scale);
    if constexpr (kCount == 8) {
      V::Multiply8(scale, -8.0f, offset);
    } else {
      offset[0] = -8.0f * scale[0];
    }
  }
  template <int>
  static typename V::Bytes Q(const std::byte* block) {
    return V::LoadNibbles(block + 2);
  }
};

template <class V>
struct Unpack<V, Format::kQ4_1> : OneRun<V, 20> {
  static constexpr int kLargest = 15;
  static constexpr bool kSigned = false;
  static constexpr bool kOffset = true;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float* offset) {
    OneRun<V, 20>::template Halves<kCount>(block, scale);
    OneRun<V, 20>::template Halves<kCount>(block + 2, offset);
  }
  template <int>
  static typename V::Bytes Q(const std::byte* block) {
    return V::LoadNibbles(block + 4);
  }
};

// Two runs with the scale and the offset of both in front.
template <class V>
struct Unpack<V, Format::kMlx4> {
  static constexpr int kLargest = 15;
  static constexpr int kRuns = 2;
  static constexpr int kBlockByte = 36;
  static constexpr int kScales = 1;
  static constexpr bool kSigned = false;
  static constexpr bool kOffset = true;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float* offset) {
    if constexpr (kCount == 8) {
      V::template HalfPairsToFloats<kBlockByte>(block, scale, offset);
    } else {
      scale[0] = scale[1] = V::HalfToFloat(block);
      offset[0] = offset[1] = V::HalfToFloat(block + 2);
    }
  }
  template <int kRun>
  static typename V::Bytes Q(const std::byte* block) {
    return V::LoadNibblePairs(block + 4 + kRun * 16);
  }
};

// q4_k and q5_k: eight runs, f16 d, f16 dmin, then 6-bit scales and minima in 12 bytes.
template <class V>
struct ScaleMinRuns {
  static constexpr int kRuns = 8;
  static constexpr int kScales = 1;
  static constexpr bool kSigned = false;
  static constexpr bool kOffset = true;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float* offset) {
    static_assert(kCount == kRuns);
    // Four 6-bit fields at once: bytes 0-3 and 4-7 hold scales and minima 0-3 and, on top, the
    // upper two bits of 4-7; bytes 8-11 hold the lower four bits of both.
    uint32_t word[3];
    __builtin_memcpy(word, block + 4, sizeof word);
    const uint32_t scale_high = (word[2] & 0x0f0f0f0fu) | (word[0] >> 2 & 0x30303030u);
    const uint32_t min_high = (word[2] >> 4 & 0x0f0f0f0fu) | (word[1] >> 2 & 0x30303030u);
    V::Scale8((word[0] & 0x3f3f3f3fu) | uint64_t{scale_high} << 32, V::HalfToFloat(block), scale);
    V::Scale8((word[1] & 0x3f3f3f3fu) | uint64_t{min_high} << 32, -V::HalfToFloat(block + 2),
              offset);
  }
  // Runs 2 i and 2 i + 1 are the low and high halves of the same 32 bytes.
  template <int kRun>
  static typename V::Bytes Nibbles(const std::byte* q) {
    const typename V::Bytes bytes = V::Load(q + kRun / 2 * 32);
    if constexpr (kRun % 2 == 0) {
      return V::template And<15>(bytes);
    } else {
      return V::template And<15>(V::template Right<4>(bytes));
    }
  }
};

template <class V>
struct Unpack<V, Format::kQ4_K> : ScaleMinRuns<V> {
  static constexpr int kLargest = 15;
  static constexpr int kBlockByte = 144;
  template <int kRun>
  static typename V::Bytes Q(const std::byte* block) {
    return ScaleMinRuns<V>::template Nibbles<kRun>(block + 16);
  }
};

// Moves bit kFrom.. of each byte, as many as kMask keeps at its place, to where kMask has them.
template <class V, int kFrom, int kTo, int kMask>
typename V::Bytes MoveBits(typename V::Bytes bytes) {
  if constexpr (kFrom > kTo) {
    return V::template And<kMask>(V::template Right<kFrom - kTo>(bytes));
  } else if constexpr (kFrom < kTo) {
    return V::template And<kMask>(V::template Left<kTo - kFrom>(bytes));
  } else {
    return V::template And<kMask>(bytes);
  }
}

template <class V>
struct Unpack<V, Format::kQ5_K> : ScaleMinRuns<V> {
  static constexpr int kLargest = 31;
  static constexpr int kBlockByte = 176;
  template <int kRun>
  static typename V::Bytes Q(const std::byte* block) {
    return V::Or(ScaleMinRuns<V>::template Nibbles<kRun>(block + 48),
                 MoveBits<V, kRun, 4, 0x10>(V::Load(block + 16)));
  }
};

template <class V>
struct Unpack<V, Format::kQ6_K> {
  static constexpr int kLargest = 32;
  static constexpr int kRuns = 8;
  static constexpr int kBlockByte = 210;
  static constexpr int kScales = 2;
  static constexpr bool kSigned = true;
  static constexpr bool kOffset = false;
  template <int kCount>
  static void Scales(const std::byte* block, float* scale, float*) {
    static_assert(kCount == kRuns);
    const float d = V::HalfToFloat(block + 208);
    V::ScaleSigned8(block + 192, d, scale);
    V::ScaleSigned8(block + 200, d, scale + 8);
  }
  template <int kRun>
  static typename V::Bytes Q(const std::byte* block) {
    constexpr int kHalf = kRun / 4, kQuarter = kRun % 4;
    const typename V::Bytes low = V::Load(block + kHalf * 64 + kQuarter % 2 * 32);
    const typename V::Bytes high = V::Load(block + 128 + kHalf * 32);
    return V::template Subtract<32>(V::Or(MoveBits<V, kQuarter / 2 * 4, 0, 0x0f>(low),
                                          MoveBits<V, kQuarter * 2, 4, 0x30>(high)));
  }
};

}  // namespace wattline::kernels
