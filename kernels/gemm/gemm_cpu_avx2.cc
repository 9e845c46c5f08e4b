#include "kernels/gemm/gemm_body.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/tile_avx2.h"

namespace wattline::kernels {
namespace {

constexpr int64_t Largest(int64_t x, int64_t y) { return x > y ? x : y; }
constexpr int64_t kScratchByte =
    Largest(Largest(tile::ScratchByte<avx2::TileF32>(), tile::ScratchByte<avx2::TileBf16>()),
            tile::ScratchByte<avx2::TileInt8>());

}  // namespace

static_assert(tile::kCols<avx2::TileF32> == kGemmColsAvx2);

int64_t GemmScratchByteAvx2(GemmType, GemmShape) { return kScratchByte; }

void GemmAvx2(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
              std::byte* scratch, Slice slice) {
  const auto* from = static_cast<const std::byte*>(a);
  switch (type) {
    case GemmType::kF32:
      return tile::Gemm<avx2::TileF32>(shape, from, packed, static_cast<float*>(c), scratch, slice);
    case GemmType::kBF16:
      return tile::Gemm<avx2::TileBf16>(shape, from, packed, static_cast<float*>(c), scratch,
                                        slice);
    case GemmType::kInt8:
      return tile::Gemm<avx2::TileInt8>(shape, from, packed, static_cast<int32_t*>(c), scratch,
                                        slice);
    case GemmType::kF16:
      break;
  }
}

}  // namespace wattline::kernels
