#include "kernels/gemm/gemm_strided.h"
#include "kernels/gemm/gemm_strided_tile.h"
#include "kernels/gemm/tile_neon.h"

namespace wattline::kernels {
namespace {

using F32 = tile::Strided<neon::TileF32, float>;
using Bf16 = tile::Strided<neon::TileF32, uint16_t>;

}  // namespace

int64_t GemmStridedScratchByteNeon() {
  return F32::ScratchByte() > Bf16::ScratchByte() ? F32::ScratchByte() : Bf16::ScratchByte();
}

void GemmStridedNeon(const StridedGemm& g, Slice slice) {
  g.type == GemmType::kF32 ? F32::Run(g, slice) : Bf16::Run(g, slice);
}

}  // namespace wattline::kernels
