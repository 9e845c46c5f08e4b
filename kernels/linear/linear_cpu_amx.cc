#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/registers_amx.h"
#include "kernels/gemm/tile_amx.h"
#include "kernels/gemm/tile_avx512.h"
#include "kernels/linear/linear_amx.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/panel_blocks.h"

namespace wattline::kernels {
namespace {

struct Tile : amx::TileBf16<amx::Registers> {
  static void Round(const float* from, int64_t count, uint16_t* to) {
    avx512::TileBf16Dot::Round(from, count, to);
  }
  static void Turn(const std::byte* src, int64_t stride_byte, uint32_t* out) {
    avx512::TileBase::Transpose(src, stride_byte, 16, out, 16);
  }
};

// f32 and f16 weights have more digits than bf16 keeps. An odd number of columns is rare.
bool OnTiles(Format format, int64_t tokens, int64_t cols) {
  return tokens > kGemvTokens && format != Format::kF32 && format != Format::kF16 &&
         blocks::FitsPanel<Tile>(cols);
}

}  // namespace

ActivationForm LinearFormAmx(Format format, int64_t tokens, int64_t cols) {
  return OnTiles(format, tokens, cols) ? ActivationForm::kPanelTiles
                                       : LinearFormAvx512(format, tokens, cols);
}

void PrepareLinearAmx(Format format, Activations& x, Slice slice) {
  if (!OnTiles(format, x.tokens, x.cols)) return PrepareLinearAvx512(format, x, slice);
  blocks::PrepareTokens<Tile>(x, slice);
}

void LinearAmx(const LinearArgs& args, Slice slice) {
  if (!OnTiles(args.w.format, args.x->tokens, args.w.cols)) return LinearAvx512(args, slice);
  blocks::Linear<Tile>(args, slice, DequantBf16Avx512);
}

int64_t LinearScratchByteAmx(Format format, int64_t tokens, int64_t cols) {
  return OnTiles(format, tokens, cols) ? blocks::LinearScratchByte<Tile>()
                                       : LinearScratchByteAvx512(format, tokens, cols);
}

}  // namespace wattline::kernels
