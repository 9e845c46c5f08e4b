#include "kernels/linear/gemv_cpu.h"
#include "kernels/linear/gemv_lanes.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_slice.h"

namespace wattline::kernels {

void PrepareGemvAvx2(Format format, Activations& x, Slice slice) {
  PrepareGemvSlice(format, x, slice, kInterleavedFromX86, QuantiseQ8Avx2);
}

void PrepareGemvAvx512(Format format, Activations& x, Slice slice) {
  PrepareGemvSlice(format, x, slice, kGemvTokens + 1, QuantiseQ8Avx512);
  if (!IsQuantised(format)) return;
  const int64_t octets = (x.cols + 255) / 256;
  // The same columns as above: 16 runs are two octets.
  const Range runs = Share(x.cols / 32, 16, slice);
  for (int64_t token = 0; token < x.tokens;) {
    const int64_t group = TokenGroup(x.tokens - token), at = token * (x.cols / 32);
    ArrangeLanesAvx512({x.q8 + token * x.cols, x.q8_scale + at, x.q8_block_sum + at, x.cols}, group,
                       runs.begin / 8, (runs.end + 7) / 8,
                       x.lanes + token * octets * kLaneOctetByte);
    token += group;
  }
}

void GemvAvx2(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsAvx2); }

void GemvAvxVnni(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsAvxVnni); }

void GemvAvx512(const LinearArgs& args, Slice slice) { GemvSlice(args, slice, GemvRowsAvx512); }

}  // namespace wattline::kernels
