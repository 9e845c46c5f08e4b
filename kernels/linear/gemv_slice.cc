#include "kernels/linear/gemv_slice.h"

#include <cassert>

namespace wattline::kernels {

void GemvSlice(const LinearArgs& args, Slice slice, void (*gemv_rows)(const GemvRows&)) {
  const Matrix& w = args.w;
  const Activations& x = *args.x;
  assert(x.cols == w.cols && x.tokens >= 1 && x.tokens <= kGemvTokens);
  // Single rows: at the seam two threads write to one cache line of y, once in a call.
  const Range rows = Share(w.rows, 1, slice);
  if (rows.begin == rows.end) return;
  gemv_rows({.format = w.format,
             .w = w.Row(rows.begin),
             .row_byte = RowByte(w.format, w.cols),
             .rows = rows.end - rows.begin,
             .cols = w.cols,
             .tokens = x.tokens,
             .f32 = x.f32,
             .q8 = x.q8,
             .q8_scale = x.q8_scale,
             .q8_block_sum = x.q8_block_sum,
             .y = args.y + rows.begin,
             .y_stride = args.y_stride});
}

void PrepareGemvSlice(Format format, Activations& x, Slice slice,
                      void (*quantise)(const float*, int64_t, int8_t*, float*, float*)) {
  if (!IsQuantised(format)) return;
  assert(x.cols % 32 == 0);
  // 16 blocks of 32: their scales fill a cache line.
  const Range blocks = Share(x.tokens * (x.cols / 32), 16, slice);
  const int64_t first = blocks.begin;
  quantise(x.f32 + first * 32, blocks.end - first, x.q8 + first * 32, x.q8_scale + first,
           x.q8_block_sum + first);
}

}  // namespace wattline::kernels
