#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_rows_body.h"
#include "kernels/simd/packed_avx2.h"

namespace wattline::kernels {

void GemvRowsAvx2(const GemvRows& g) { GemvRowsAny<Avx2, kInterleavedFromX86>(g); }

void QuantiseQ8Avx2(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum) {
  QuantiseQ8<Avx2>(x, blocks, q8, scale, block_sum);
}

}  // namespace wattline::kernels
