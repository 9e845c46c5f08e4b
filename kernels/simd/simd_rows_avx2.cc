// The wrapper's functions over rows, for AVX2.
#include "kernels/simd/simd_avx2.h"
#include "kernels/simd/simd_rows_body.h"

namespace wattline::kernels {

constinit const SimdRows kSimdRowsAvx2 = SimdRowsOf<avx2::Simd>::kTable;

}  // namespace wattline::kernels
