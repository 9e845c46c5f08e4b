#include "kernels/gemm/gemm_grid.h"

namespace wattline::kernels {
namespace {

// What a rectangle costs beside its multiply-adds, in columns (rows) of C that could be computed
// meanwhile. Each thread packs all rows of A that it meets: about 1 cycle an element, most of it
// waiting for memory, while 32 columns take 1 cycle (AVX-512, f32). B comes packed and in order.
// Measured on Emerald Rapids, 2026-11-21.
constexpr int64_t kPackCols = 32;
constexpr int64_t kReadRows = 16;

}  // namespace

GemmGrid BestGemmGrid(GemmShape shape, int64_t panel_cols, int threads) {
  const int64_t panels = (shape.n + panel_cols - 1) / panel_cols;
  GemmGrid best;
  int64_t best_cost = -1;
  for (int rows = 1; rows <= threads; ++rows) {
    if (threads % rows != 0) continue;
    const int cols = threads / rows;
    const int64_t high = (shape.m + rows - 1) / rows;
    const int64_t wide = (panels + cols - 1) / cols * panel_cols;
    const int64_t cost = high * wide + kPackCols * high + kReadRows * wide;
    if (best_cost >= 0 && cost >= best_cost) continue;
    best = {rows, cols};
    best_cost = cost;
  }
  return best;
}

GemmRectangle GemmShare(GemmShape shape, int64_t panel_cols, Slice slice) {
  const GemmGrid grid = BestGemmGrid(shape, panel_cols, slice.count);
  return {Share(shape.m, 1, {slice.index / grid.cols, grid.rows}),
          Share(shape.n, panel_cols, {slice.index % grid.cols, grid.cols})};
}

}  // namespace wattline::kernels
