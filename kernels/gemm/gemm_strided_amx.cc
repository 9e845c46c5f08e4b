#include "kernels/gemm/gemm_strided.h"
#include "kernels/gemm/gemm_strided_blocks.h"
#include "kernels/gemm/registers_amx.h"
#include "kernels/gemm/tile_amx.h"
#include "kernels/gemm/tile_avx512.h"

namespace wattline::kernels {
namespace {

struct Tile : amx::TileBf16<amx::Registers> {
  static void Turn(const std::byte* src, int64_t stride_byte, uint32_t* out) {
    avx512::TileBase::Transpose(src, stride_byte, 16, out, 16);
  }
};
using Bf16 = blocks::Strided<Tile>;

}  // namespace

int64_t GemmStridedScratchByteAmx() {
  const int64_t f32 = GemmStridedScratchByteAvx512();
  return f32 > Bf16::ScratchByte() ? f32 : Bf16::ScratchByte();
}

void GemmStridedAmx(const StridedGemm& g, Slice slice) {
  if (g.type == GemmType::kF32) return GemmStridedAvx512(g, slice);
  Bf16::Run(g, slice);
}

}  // namespace wattline::kernels
