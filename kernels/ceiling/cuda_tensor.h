// The numbers that tensor cores multiply, as 32-bit words of the kernels' operands.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/ceiling/cuda_text.h"

namespace wattline::kernels {

struct TensorFormat {
  int pack;           // numbers in a word
  uint32_t keep;      // of a word's random bits: signs, and four bits of mantissa
  uint32_t set;       // the exponent of 1
  uint32_t flip;      // makes a number its negative; a whole one, -1 - it
  bool whole_number;  // sums are s32, and wrap; else f32
};
// Not f32.
const TensorFormat& TensorFormatOf(CudaFormat format);

// Number `i` of a word, which is finite: exact.
double Number(const TensorFormat& format, uint32_t word, int i);
// The register that holds a sum. Operands are chosen so that sums need under 24 bits.
uint32_t Bits(const TensorFormat& format, double sum);

// Word `index` of lane `lane`, the same in every warp. In PTX, of the lane in %lane; uses %seed.
uint32_t OperandWord(uint32_t keep, uint32_t set, uint32_t lane, uint32_t index);
void AddOperandWord(PtxText& text, const std::string& to, uint32_t keep, uint32_t set, int index);

}  // namespace wattline::kernels
