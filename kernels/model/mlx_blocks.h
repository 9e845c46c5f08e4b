// Packed weights in MLX's arrays (words, scales and biases apart) and in blocks of a Format (one
// group after the other), both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/format.h"

namespace wattline::kernels {

// How MLX packs a matrix: arguments of mlx.core.quantize. A group of weights has `group * bits / 8`
// bytes of codes, the first in the lowest bits of 32-bit words. "affine": w = scale * q + bias, q
// an integer; other modes: w = scale * q, the scale a byte (float8.h), no biases.
struct MlxPacking {
  int64_t group = 0;
  int64_t bits = 0;
  std::string mode = "affine";

  bool HasBiases() const { return mode == "affine"; }
  int64_t ScaleByte() const { return HasBiases() ? 2 : 1; }
  bool operator==(const MlxPacking&) const = default;
};
// "affine 4 bit, groups of 64"; "mxfp4", which has one number of bits and one group alone.
std::string PackingText(const MlxPacking& packing);

// The packing that holds every block of the format exactly, one group for each; nullopt where there
// is none. q4_k's and q5_k's scales are products of an f16 and a 6-bit integer, which f16 would
// round; q6_k has a scale for each 16 weights.
std::optional<MlxPacking> PackingOf(Format format);
// The format whose blocks hold every group of the packing; nullopt where there is none.
std::optional<Format> FormatOf(const MlxPacking& packing);

// Words at `words`, and scales and biases (f16, or bytes and none), of so many groups.
struct MlxGroups {
  std::byte* words = nullptr;
  std::byte* scales = nullptr;
  std::byte* biases = nullptr;
};
// From blocks of a format with a PackingOf. Throws std::invalid_argument where a q8_0 or q4_0 block
// has a scale whose multiple, the bias, passes f16's range.
void UnpackBlocks(Format format, int64_t groups, const std::byte* blocks, MlxGroups to);

// The same as somebody wrote them, at any alignment; two-byte scales and biases in f16, or in bf16.
struct MlxSource {
  const std::byte* words = nullptr;
  const std::byte* scales = nullptr;
  const std::byte* biases = nullptr;
  bool is_bf16 = false;
};
// bf16 has f16's range from 2^-24 to 65504 and more: a bf16 number of magnitude 2^-17 or more is an
// f16 number too, of its 8 significant bits; a smaller one may be rounded to a multiple of 2^-24.
struct HalfRounding {
  int64_t groups = 0;   // all
  int64_t rounded = 0;  // those with a rounded scale or bias
  double most = 0;      // the most that a weight has moved by
};
// Into blocks of a format that FormatOf names. Empty, or what is wrong with one group: a scale or
// bias that is not finite or passes f16's range, or, of one byte, that is NaN or whose multiples
// pass f32's range.
std::string PackBlocks(Format format, int64_t groups, MlxSource from, std::byte* blocks,
                       HalfRounding& rounding);

}  // namespace wattline::kernels
