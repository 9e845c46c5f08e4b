// The wrapper's functions over rows, for NEON.
#include "kernels/simd/simd_neon.h"
#include "kernels/simd/simd_rows_body.h"

namespace wattline::kernels {

constinit const SimdRows kSimdRowsNeon = SimdRowsOf<neon::Simd>::kTable;

}  // namespace wattline::kernels
