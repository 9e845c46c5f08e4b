#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/tile_avx2.h"
#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/linear/packed_tile_avx2.h"
#include "kernels/linear/panel.h"

namespace wattline::kernels {

void PrepareLinearAvx2(Format format, Activations& x, Slice slice) {
  if (x.tokens <= kGemvTokens) return PrepareGemvAvx2(format, x, slice);
  if (IsQuantised(format)) return packed_panel::Prepare<avx2::PackedTile>(x, slice);
  panel::Prepare<avx2::TileF32>(x, slice);
}

void LinearAvx2(const LinearArgs& args, Slice slice) {
  if (args.x->tokens <= kGemvTokens) return GemvAvx2(args, slice);
  if (IsQuantised(args.w.format)) return packed_panel::Linear<avx2::PackedTile, Avx2>(args, slice);
  panel::Linear<avx2::TileF32, float>(args, slice, DequantF32Avx2);
}

int64_t LinearScratchByteAvx2(Format format, int64_t tokens, int64_t cols) {
  if (tokens <= kGemvTokens) return 0;
  return IsQuantised(format) ? packed_panel::ScratchByte<avx2::PackedTile>(cols)
                             : panel::ScratchByte<avx2::TileF32>();
}

}  // namespace wattline::kernels
