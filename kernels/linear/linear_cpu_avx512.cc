#include "kernels/cpu/features.h"
#include "kernels/dequant/dequant_cpu.h"
#include "kernels/gemm/tile_avx512.h"
#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/packed_block.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/linear/packed_tile_avx512.h"
#include "kernels/linear/panel.h"

namespace wattline::kernels {

// f32 and f16 weights have more digits than bf16 keeps.
ActivationForm LinearFormAvx512(Format format, int64_t tokens, int64_t cols) {
  const ActivationForm form = LinearForm(format, tokens, cols);
  const bool bf16 = form == ActivationForm::kPanelF32 && format == Format::kBF16 && Bf16DotIsFast();
  return bf16 ? ActivationForm::kPanelBf16 : form;
}

void PreparePanelBf16DotAvx512(Format, Activations& x, Slice slice) {
  panel::Prepare<avx512::TileBf16Dot>(x, slice);
}

void PreparePanelF32Avx512(Format, Activations& x, Slice slice) {
  panel::Prepare<avx512::TileF32>(x, slice);
}

void LinearPanelBf16DotAvx512(const LinearArgs& args, Slice slice) {
  panel::Linear<avx512::TileBf16Dot, uint16_t>(args, slice, DequantBf16Avx512);
}

void LinearPanelF32Avx512(const LinearArgs& args, Slice slice) {
  panel::Linear<avx512::TileF32, float>(args, slice, DequantF32Avx512);
}

void PrepareLinearAvx512(Format format, Activations& x, Slice slice) {
  switch (LinearFormAvx512(format, x.tokens, x.cols)) {
    case ActivationForm::kPanelQ8:
      return packed_panel::Prepare<avx512::PackedTile>(x, slice);
    case ActivationForm::kPanelBf16:
      return PreparePanelBf16DotAvx512(format, x, slice);
    case ActivationForm::kPanelF32:
      return PreparePanelF32Avx512(format, x, slice);
    default:
      return PrepareGemvAvx512(format, x, slice);
  }
}

void LinearAvx512(const LinearArgs& args, Slice slice) {
  switch (LinearFormAvx512(args.w.format, args.x->tokens, args.w.cols)) {
    case ActivationForm::kPanelQ8:
      return packed_block::Linear<avx512::PackedTile, Avx512>(args, slice);
    case ActivationForm::kPanelBf16:
      return LinearPanelBf16DotAvx512(args, slice);
    case ActivationForm::kPanelF32:
      return LinearPanelF32Avx512(args, slice);
    default:
      return GemvAvx512(args, slice);
  }
}

int64_t LinearScratchByteAvx512(Format format, int64_t tokens, int64_t) {
  if (tokens <= kGemvTokens) return 0;
  return IsQuantised(format) ? packed_block::ScratchByte<avx512::PackedTile>()
                             : panel::ScratchByte<avx512::TileF32>();
}

}  // namespace wattline::kernels
