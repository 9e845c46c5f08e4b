// What the files of the instruction sets give to the GEMV: consecutive rows, and 8-bit activations.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/format.h"

namespace wattline::kernels {

// Tokens are taken in groups of 8, 4, 2 and 1: the size of the first group of `left` tokens. (A
// static function: each file has its own.)
[[maybe_unused]] static int64_t TokenGroup(int64_t left) {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

// How far ahead rows are asked for that are read `byte` bytes together: at least 16 KiB, and whole
// groups of them, for a line of this group would come too late. (Static as above.) Four bf16 rows
// of 4096 columns with 4 tokens, cold: with the activations loaded once for all rows, from 58 to
// 72 % of the read loop (Emerald Rapids, one core, 2026-11-22).
[[maybe_unused]] static int64_t AheadByte(int64_t byte) {
  return ((int64_t{16} << 10) + byte - 1) / byte * byte;
}

// How the 8-bit activations of a group of T tokens lie that starts at token `first`, from
// q8[first * cols], q8_scale[first * cols / 32] and q8_block_sum[first * cols / 32] on. Row-major
// as in Activations, or, where T is at least the instruction set's kInterleavedFrom, q8 as [cols /
// 32, T, T, 32 / T]: of each 32 columns T granules, in each all tokens side by side; the scales and
// sums as [cols / 32, T].
//
// Interleaving 8 tokens is 55 % (AVX2) and 21 % (AVX-512) faster for q4_0, 4 tokens 17 % and
// nothing, 2 tokens 22 % and 33 % slower (measured in cache, Emerald Rapids). Up to 4 stay
// row-major: passes with two 8-bit terms read them (kernels/block/row_team.cc).
constexpr int64_t kInterleavedFromX86 = 8;
constexpr int64_t kInterleavedFromNeon = 16;  // never

// Consecutive rows of W and where their results go; activations as in Activations.
struct GemvRows {
  Format format = Format::kF32;
  const std::byte* w = nullptr;  // the first of the rows
  int64_t row_byte = 0;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t tokens = 0;
  const float* f32 = nullptr;           // [tokens, cols], for dense formats
  const int8_t* q8 = nullptr;           // tokens * cols, for quantised formats as the next two
  const float* q8_scale = nullptr;      // tokens * cols / 32
  const float* q8_block_sum = nullptr;  // tokens * cols / 32
  const std::byte* lanes = nullptr;     // AVX-512: all of those as in gemv_lanes.h
  float* y = nullptr;                   // [tokens, y_stride], at the first of the rows
  int64_t y_stride = 0;
};
void GemvRowsAvx2(const GemvRows& g);
void GemvRowsAvxVnni(const GemvRows& g);
void GemvRowsAvx512(const GemvRows& g);
void GemvRowsNeon(const GemvRows& g);

// x[blocks, 32] to q8[blocks, 32], scale[blocks] = max|x| / 127 and block_sum[blocks], the scale
// times the sum of q8. q8 is the nearest integer to x / scale.
void QuantiseQ8Avx2(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);
void QuantiseQ8Avx512(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);
void QuantiseQ8Neon(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum);

}  // namespace wattline::kernels
