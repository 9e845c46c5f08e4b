#include "kernels/gemm/gemm_body.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/tile_neon.h"

namespace wattline::kernels {
namespace {

constexpr int64_t Largest(int64_t x, int64_t y) { return x > y ? x : y; }
constexpr int64_t kScratchByte =
    Largest(Largest(tile::ScratchByte<neon::TileF32>(), tile::ScratchByte<neon::TileBf16>()),
            tile::ScratchByte<neon::TileInt8>());

}  // namespace

static_assert(tile::kCols<neon::TileF32> == kGemmColsNeon);

int64_t GemmScratchByteNeon(GemmType, GemmShape) { return kScratchByte; }

void GemmNeon(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
              std::byte* scratch, Slice slice) {
  const auto* from = static_cast<const std::byte*>(a);
  switch (type) {
    case GemmType::kF32:
      return tile::Gemm<neon::TileF32>(shape, from, packed, static_cast<float*>(c), scratch, slice);
    case GemmType::kBF16:
      return tile::Gemm<neon::TileBf16>(shape, from, packed, static_cast<float*>(c), scratch,
                                        slice);
    case GemmType::kInt8:
      return tile::Gemm<neon::TileInt8>(shape, from, packed, static_cast<int32_t*>(c), scratch,
                                        slice);
    case GemmType::kF16:
      break;
  }
}

}  // namespace wattline::kernels
