#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/linear_cpu.h"
#include "kernels/linear/packed_panel.h"
#include "kernels/linear/packed_tile_avxvnni.h"
#include "kernels/simd/packed_avxvnni.h"

namespace wattline::kernels {

// What AVX2 prepares, in as much scratch.
void LinearAvxVnni(const LinearArgs& args, Slice slice) {
  if (args.x->tokens <= kGemvTokens) return GemvAvxVnni(args, slice);
  if (!IsQuantised(args.w.format)) return LinearAvx2(args, slice);
  packed_panel::Linear<avxvnni::PackedTile, AvxVnni>(args, slice);
}

}  // namespace wattline::kernels
