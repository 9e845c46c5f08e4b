// The wrapper's functions over rows, for AVX-512.
#include "kernels/simd/simd_avx512.h"
#include "kernels/simd/simd_rows_body.h"

namespace wattline::kernels {

constinit const SimdRows kSimdRowsAvx512 = SimdRowsOf<avx512::Simd>::kTable;

}  // namespace wattline::kernels
