#include "kernels/gemm/gemm_body.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_extended.h"
#include "kernels/gemm/tile_avxvnni.h"

namespace wattline::kernels {

// AVX2's packing and scratch serve.
static_assert(tile::kCols<avxvnni::TileInt8> == kGemmColsAvx2);

void GemmAvxVnni(GemmType type, GemmShape shape, const void* a, const std::byte* packed, void* c,
                 std::byte* scratch, Slice slice) {
  if (type != GemmType::kInt8) return GemmAvx2(type, shape, a, packed, c, scratch, slice);
  tile::Gemm<avxvnni::TileInt8>(shape, static_cast<const std::byte*>(a), packed,
                                static_cast<int32_t*>(c), scratch, slice);
}

}  // namespace wattline::kernels
