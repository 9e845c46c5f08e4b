#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_rows_body.h"
#include "kernels/simd/packed_neon.h"

namespace wattline::kernels {

void GemvRowsNeon(const GemvRows& g) { GemvRowsAny<Neon, kInterleavedFromNeon>(g); }

void QuantiseQ8Neon(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum) {
  QuantiseQ8<Neon>(x, blocks, q8, scale, block_sum);
}

}  // namespace wattline::kernels
