#include "kernels/gemm/gemm_strided.h"
#include "kernels/gemm/gemm_strided_tile.h"
#include "kernels/gemm/tile_avx2.h"

namespace wattline::kernels {
namespace {

using F32 = tile::Strided<avx2::TileF32, float>;
using Bf16 = tile::Strided<avx2::TileF32, uint16_t>;

}  // namespace

int64_t GemmStridedScratchByteAvx2() {
  return F32::ScratchByte() > Bf16::ScratchByte() ? F32::ScratchByte() : Bf16::ScratchByte();
}

void GemmStridedAvx2(const StridedGemm& g, Slice slice) {
  g.type == GemmType::kF32 ? F32::Run(g, slice) : Bf16::Run(g, slice);
}

}  // namespace wattline::kernels
