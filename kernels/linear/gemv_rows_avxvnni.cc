#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_rows_body.h"
#include "kernels/simd/packed_avxvnni.h"

namespace wattline::kernels {

void GemvRowsAvxVnni(const GemvRows& g) { GemvRowsAny<AvxVnni, kInterleavedFromX86>(g); }

}  // namespace wattline::kernels
