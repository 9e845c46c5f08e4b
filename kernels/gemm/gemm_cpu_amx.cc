#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/gemm/registers_amx.h"
#include "kernels/gemm/tile_amx.h"

namespace wattline::kernels {
namespace {

using Bf16 = amx::TileBf16<amx::Registers>;
using Int8 = amx::TileInt8<amx::Registers>;
static_assert(Bf16::kCols == kAmxPanel.cols && Bf16::kStepByte == kAmxPanel.step_byte);

}  // namespace

int64_t GemmScratchByteAmx(GemmType type, GemmShape shape) {
  switch (type) {
    case GemmType::kF32:
      return GemmScratchByteAvx512(type, shape);
    case GemmType::kBF16:
      return blocks::ScratchByte<Bf16>(shape);
    case GemmType::kInt8:
      return blocks::ScratchByte<Int8>(shape);
    case GemmType::kF16:
      break;
  }
  return 0;
}

void GemmAmx(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
             std::byte* scratch, Slice slice) {
  const auto* from = static_cast<const std::byte*>(a);
  switch (type) {
    case GemmType::kF32:
      return GemmAvx512(type, shape, a, packed, c, scratch, slice);
    case GemmType::kBF16:
      return blocks::Gemm<Bf16>(shape, from, packed, static_cast<float*>(c), scratch, slice);
    case GemmType::kInt8:
      return blocks::Gemm<Int8>(shape, from, packed, static_cast<int32_t*>(c), scratch, slice);
    case GemmType::kF16:
      break;
  }
}

}  // namespace wattline::kernels
