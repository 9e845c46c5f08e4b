#include "kernels/linear/gemv_slice.h"

#include <cassert>
#include <cstring>

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
             .lanes = x.lanes,
             .y = args.y + rows.begin,
             .y_stride = args.y_stride});
}

namespace {

using Quantise = void (*)(const float*, int64_t, int8_t*, float*, float*);

// Runs of 32 columns of T = `group` tokens, x[T, cols]; the outputs begin with the group's.
void InterleaveRuns(const float* x, int64_t cols, int64_t group, Range runs, Quantise quantise,
                    int8_t* q8, float* scale, float* block_sum) {
  const int64_t granule = 32 / group;
  for (int64_t run = runs.begin; run < runs.end; ++run) {
    for (int64_t t = 0; t < group; ++t) {
      int8_t q[32];
      const int64_t at = run * group + t;
      quantise(x + t * cols + run * 32, 1, q, scale + at, block_sum + at);
      for (int64_t part = 0; part < group; ++part) {
        std::memcpy(q8 + (run * group + part) * 32 + t * granule, q + part * granule,
                    static_cast<size_t>(granule));
      }
    }
  }
}

}  // namespace

void PrepareGemvSlice(Format format, Activations& x, Slice slice, int64_t interleaved_from,
                      Quantise quantise) {
  if (!IsQuantised(format)) return;
  assert(x.cols % 32 == 0);
  const int64_t runs = x.cols / 32;
  // 16 runs of 32: the scales of one token fill a cache line.
  const Range share = Share(runs, 16, slice);
  for (int64_t first = 0; first < x.tokens;) {
    const int64_t group = TokenGroup(x.tokens - first);
    if (group < interleaved_from) {
      for (int64_t t = first; t < first + group; ++t) {
        const int64_t at = t * runs + share.begin;
        quantise(x.f32 + at * 32, share.end - share.begin, x.q8 + at * 32, x.q8_scale + at,
                 x.q8_block_sum + at);
      }
    } else {
      InterleaveRuns(x.f32 + first * x.cols, x.cols, group, share, quantise, x.q8 + first * x.cols,
                     x.q8_scale + first * runs, x.q8_block_sum + first * runs);
    }
    first += group;
  }
}

}  // namespace wattline::kernels
