// Dense GEMM of the instruction sets that extend another one by a few instructions: AVX-VNNI (over
// AVX2), AMX (over AVX-512), NEON with i8mm and bf16. For the tables of kernels/cpu, as gemm_cpu.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// int8 by vpdpbusd; packing, scratch and the other types are those of AVX2.
void GemmAvxVnni(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                 std::byte* scratch, Slice slice);

// bf16 and int8 by tiles; f32 is that of AVX-512, packing and scratch included.
int64_t GemmPackedByteAmx(GemmType type, int64_t n, int64_t k);
void GemmPackAmx(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                 Slice slice);
int64_t GemmScratchByteAmx(GemmType type, GemmShape shape);
void GemmAmx(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
             std::byte* scratch, Slice slice);

// bf16 by bfmmla and int8 by smmla; f32 is that of NEON.
int64_t GemmPackedByteNeonI8mm(GemmType type, int64_t n, int64_t k);
void GemmPackNeonI8mm(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                      Slice slice);
int64_t GemmScratchByteNeonI8mm(GemmType type, GemmShape shape);
void GemmNeonI8mm(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                  std::byte* scratch, Slice slice);

// How a matrix instruction takes B: panels of `cols` columns of C, in a panel steps of `step_byte`
// bytes of k, back to back; k and n are padded with zeros. Where a column's byte lies in a step:
// - AMX: two tiles of 16 columns, in each rows of 4 bytes of k for each column;
// - NEON: column by column.
struct MatrixPanel {
  int64_t cols;
  int64_t step_byte;
};
inline constexpr MatrixPanel kAmxPanel = {32, 64};
inline constexpr MatrixPanel kNeonI8mmPanel = {12, 8};

}  // namespace wattline::kernels
