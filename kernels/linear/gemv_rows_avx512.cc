#include "kernels/linear/gemv_lanes.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_rows_body.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels {

void GemvRowsAvx512(const GemvRows& g) {
  if (IsQuantised(g.format)) return GemvPackedAvx512(g);
  GemvRowsDense<Avx512>(g);
}

void QuantiseQ8Avx512(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum) {
  QuantiseQ8<Avx512>(x, blocks, q8, scale, block_sum);
}

}  // namespace wattline::kernels
