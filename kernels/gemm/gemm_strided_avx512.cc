#include "kernels/cpu/features.h"
#include "kernels/gemm/gemm_strided.h"
#include "kernels/gemm/gemm_strided_tile.h"
#include "kernels/gemm/tile_avx512.h"

namespace wattline::kernels {
namespace {

using F32 = tile::Strided<avx512::TileF32, float>;
using Bf16Widened = tile::Strided<avx512::TileF32, uint16_t>;
using Bf16Dot = tile::Strided<avx512::TileBf16Dot, uint16_t>;

constexpr int64_t Larger(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace

int64_t GemmStridedScratchByteAvx512() {
  return Larger(F32::ScratchByte(), Larger(Bf16Widened::ScratchByte(), Bf16Dot::ScratchByte()));
}

void GemmStridedBf16DotAvx512(const StridedGemm& g, Slice slice) { Bf16Dot::Run(g, slice); }

void GemmStridedBf16WidenedAvx512(const StridedGemm& g, Slice slice) { Bf16Widened::Run(g, slice); }

void GemmStridedAvx512(const StridedGemm& g, Slice slice) {
  if (g.type == GemmType::kF32) return F32::Run(g, slice);
  Bf16DotIsFast() ? Bf16Dot::Run(g, slice) : Bf16Widened::Run(g, slice);
}

}  // namespace wattline::kernels
