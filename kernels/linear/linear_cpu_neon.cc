#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/tile_neon.h"
#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/panel.h"

namespace wattline::kernels {

void PrepareLinearNeon(Format format, Activations& x, Slice slice) {
  if (x.tokens <= kGemvTokens) return PrepareGemvNeon(format, x, slice);
  panel::Prepare<neon::TileF32>(x, slice);
}

void LinearNeon(const LinearArgs& args, Slice slice) {
  if (args.x->tokens <= kGemvTokens) return GemvNeon(args, slice);
  panel::Linear<neon::TileF32, float>(args, slice, DequantF32Neon);
}

int64_t LinearScratchByteNeon(Format, int64_t tokens, int64_t) {
  return tokens <= kGemvTokens ? 0 : panel::ScratchByte<neon::TileF32>();
}

}  // namespace wattline::kernels
