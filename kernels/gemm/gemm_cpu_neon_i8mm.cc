#include "kernels/gemm/gemm_blocks.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/gemm/tile_neon_i8mm.h"

namespace wattline::kernels {
namespace {

using Bf16 = neon_i8mm::TileBf16;
using Int8 = neon_i8mm::TileInt8;
static_assert(Bf16::kCols == kNeonI8mmPanel.cols && Bf16::kStepByte == kNeonI8mmPanel.step_byte);

}  // namespace

int64_t GemmScratchByteNeonI8mm(GemmType type, GemmShape shape) {
  switch (type) {
    case GemmType::kF32:
      return GemmScratchByteNeon(type, shape);
    case GemmType::kBF16:
      return blocks::ScratchByte<Bf16>(shape);
    case GemmType::kInt8:
      return blocks::ScratchByte<Int8>(shape);
    case GemmType::kF16:
      break;
  }
  return 0;
}

void GemmNeonI8mm(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                  std::byte* scratch, Slice slice) {
  const auto* from = static_cast<const std::byte*>(a);
  switch (type) {
    case GemmType::kF32:
      return GemmNeon(type, shape, a, packed, c, scratch, slice);
    case GemmType::kBF16:
      return blocks::Gemm<Bf16>(shape, from, packed, static_cast<float*>(c), scratch, slice);
    case GemmType::kInt8:
      return blocks::Gemm<Int8>(shape, from, packed, static_cast<int32_t*>(c), scratch, slice);
    case GemmType::kF16:
      break;
  }
}

}  // namespace wattline::kernels
