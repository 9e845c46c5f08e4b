// How the threads of a GEMM share C: a grid of rectangles.
#pragma once

#include <cstdint>

#include "kernels/gemm/gemm.h"
#include "kernels/slice.h"

namespace wattline::kernels {

struct GemmGrid {
  int rows = 1;
  int cols = 1;
};
// The grid of rows x cols = `threads` rectangles whose largest one costs least; columns are cut at
// multiples of `panel_cols` only.
GemmGrid BestGemmGrid(GemmShape shape, int64_t panel_cols, int threads);

struct GemmRectangle {
  Range rows;
  Range cols;
};
// The slice's rectangle of C in that grid. Rectangles cover C once; some may be empty.
GemmRectangle GemmShare(GemmShape shape, int64_t panel_cols, Slice slice);

}  // namespace wattline::kernels
