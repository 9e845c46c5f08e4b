#include "kernels/cpu/features.h"
#include "kernels/gemm/gemm_body.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/tile_avx512.h"

namespace wattline::kernels {
namespace {

constexpr int64_t Largest(int64_t x, int64_t y) { return x > y ? x : y; }
constexpr int64_t kScratchByte = Largest(
    Largest(tile::ScratchByte<avx512::TileF32>(), tile::ScratchByte<avx512::TileBf16Widened>()),
    tile::ScratchByte<avx512::TileInt8>());

}  // namespace

static_assert(tile::kCols<avx512::TileF32> == kGemmColsAvx512);

int64_t GemmScratchByteAvx512(GemmType, GemmShape) { return kScratchByte; }

void GemmBf16DotAvx512(GemmShape shape, const std::byte* a, const std::byte* packed, float* c,
                       std::byte* scratch, Slice slice) {
  tile::Gemm<avx512::TileBf16Dot>(shape, a, packed, c, scratch, slice);
}

void GemmBf16WidenedAvx512(GemmShape shape, const std::byte* a, const std::byte* packed, float* c,
                           std::byte* scratch, Slice slice) {
  tile::Gemm<avx512::TileBf16Widened>(shape, a, packed, c, scratch, slice);
}

void GemmAvx512(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                std::byte* scratch, Slice slice) {
  const auto* from = static_cast<const std::byte*>(a);
  switch (type) {
    case GemmType::kF32:
      return tile::Gemm<avx512::TileF32>(shape, from, packed, static_cast<float*>(c), scratch,
                                         slice);
    case GemmType::kBF16:
      return (Bf16DotIsFast() ? GemmBf16DotAvx512 : GemmBf16WidenedAvx512)(
          shape, from, packed, static_cast<float*>(c), scratch, slice);
    case GemmType::kInt8:
      return tile::Gemm<avx512::TileInt8>(shape, from, packed, static_cast<int32_t*>(c), scratch,
                                          slice);
    case GemmType::kF16:
      break;
  }
}

}  // namespace wattline::kernels
