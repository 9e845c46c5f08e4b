// Dense GEMM on the CPU: how B is packed, and one set of functions per instruction set, for the
// tables of kernels/cpu. There is none of f16: MakeCpuGemm refuses it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// B packed: panels of `panel_cols` columns of C, back to back; in a panel, groups of `group`
// consecutive k back to back; in a group, panel_cols times `group` elements. A column's share of a
// group is one 32-bit word: 1 f32, 2 bf16 or 4 int8. k and n are padded with zeros.
constexpr int64_t GemmGroup(GemmType type) {
  return type == GemmType::kF32 ? 1 : type == GemmType::kBF16 ? 2 : 4;
}
int64_t GemmPackedByteAvx2(GemmType type, int64_t n, int64_t k);
int64_t GemmPackedByteAvx512(GemmType type, int64_t n, int64_t k);
int64_t GemmPackedByteNeon(GemmType type, int64_t n, int64_t k);
// Rounds bt[n, k] to the type and packs the slice's share of the panels.
void GemmPackAvx2(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                  Slice slice);
void GemmPackAvx512(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                    Slice slice);
void GemmPackNeon(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                  Slice slice);

// Columns of a panel of B: the columns of the register tile.
constexpr int64_t kGemmColsAvx2 = 16;
constexpr int64_t kGemmColsAvx512 = 32;
constexpr int64_t kGemmColsNeon = 12;

// C[m, n] = A[m, k] B for the slice's rectangle of C. `a` is [m, k] row-major in the type's
// elements; the sum of an element of C does not depend on the slice.
int64_t GemmScratchByteAvx2(GemmType type, GemmShape shape);
int64_t GemmScratchByteAvx512(GemmType type, GemmShape shape);
int64_t GemmScratchByteNeon(GemmType type, GemmShape shape);
void GemmAvx2(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
              std::byte* scratch, Slice slice);
void GemmAvx512(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                std::byte* scratch, Slice slice);
void GemmNeon(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
              std::byte* scratch, Slice slice);

// The two ways of bf16 on AVX-512; GemmAvx512 takes the faster one (Bf16DotIsFast in features.h).
void GemmBf16DotAvx512(GemmShape shape, const std::byte* a, const std::byte* packed, float* c,
                       std::byte* scratch, Slice slice);
void GemmBf16WidenedAvx512(GemmShape shape, const std::byte* a, const std::byte* packed, float* c,
                           std::byte* scratch, Slice slice);

}  // namespace wattline::kernels
