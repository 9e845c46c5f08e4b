// GEMM on operands as a step of training has them: either may lie transposed, neither is packed in
// advance, and C may be added to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels {

// C[m, n] (+)= A[m, k] B[k, n] in f32 or bf16 (kF32, kBF16), sums and C in f32. Rows of every
// operand lie back to back. Y = X W^T has B by columns, dX = dY W has it by rows, dW = dY^T X has A
// by columns and B by rows.
struct StridedGemm {
  GemmType type = GemmType::kF32;
  GemmShape shape;
  const void* a = nullptr;  // [m, k], or where a_by_k [k, m]
  const void* b = nullptr;  // [n, k], or where b_by_k [k, n]
  bool a_by_k = false;
  bool b_by_k = false;
  float* c = nullptr;            // [m, n]
  bool add = false;              // to what C holds
  std::byte* scratch = nullptr;  // the thread's own
};

// The slice's rectangle of C; the sum of an element does not depend on the slice.
int64_t GemmStridedScratchByteAvx2();
int64_t GemmStridedScratchByteAvx512();
int64_t GemmStridedScratchByteAmx();
int64_t GemmStridedScratchByteNeon();
void GemmStridedAvx2(const StridedGemm& g, Slice slice);
void GemmStridedAvx512(const StridedGemm& g, Slice slice);
void GemmStridedAmx(const StridedGemm& g, Slice slice);  // bf16 by tiles, f32 as AVX-512
void GemmStridedNeon(const StridedGemm& g, Slice slice);
// The two ways of bf16 on AVX-512; GemmStridedAvx512 takes the faster one (Bf16DotIsFast).
void GemmStridedBf16DotAvx512(const StridedGemm& g, Slice slice);
void GemmStridedBf16WidenedAvx512(const StridedGemm& g, Slice slice);

}  // namespace wattline::kernels
