#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/tile_neon.h"
#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/linear/packed_tile_neon.h"
#include "kernels/linear/panel.h"

namespace wattline::kernels {

void PrepareLinearNeon(Format format, Activations& x, Slice slice) {
  if (x.tokens <= kGemvTokens) return PrepareGemvNeon(format, x, slice);
  if (IsQuantised(format)) return packed_panel::Prepare<neon::PackedTile>(x, slice);
  panel::Prepare<neon::TileF32>(x, slice);
}

void LinearNeon(const LinearArgs& args, Slice slice) {
  if (args.x->tokens <= kGemvTokens) return GemvNeon(args, slice);
  if (IsQuantised(args.w.format)) return packed_panel::Linear<neon::PackedTile, Neon>(args, slice);
  panel::Linear<neon::TileF32, float>(args, slice, DequantF32Neon);
}

int64_t LinearScratchByteNeon(Format format, int64_t tokens, int64_t cols) {
  if (tokens <= kGemvTokens) return 0;
  return IsQuantised(format) ? packed_panel::ScratchByte<neon::PackedTile>(cols)
                             : panel::ScratchByte<neon::TileF32>();
}

}  // namespace wattline::kernels
