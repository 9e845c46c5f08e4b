#include "kernels/linear/gemv_lanes.h"
#include "kernels/linear/gemv_rows.h"
#include "kernels/linear/gemv_rows_body.h"
#include "kernels/simd/packed_avx512.h"

namespace wattline::kernels {
namespace {

struct DenseAvx512 : Avx512 {
  using Avx512::MultiplyAddFloats;
  static Floats MultiplyAddFloats(Floats sum, Floats a, Floats b) {
    return _mm512_fmadd_ps(a, b, sum);
  }
  using Avx512::Prefetch;
  [[gnu::always_inline]] static void Prefetch(const std::byte* at, int64_t far) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    _mm_prefetch(reinterpret_cast<const char*>(address + static_cast<uintptr_t>(far)), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(address + (2 << 10)), _MM_HINT_T0);
  }
  // Loaded once for all rows: as an operand of each multiply-add, g++ 12's choice, three rows load
  // a vector of x three times, with 8 tokens from the second-level cache.
  [[gnu::always_inline]] static Floats Held(const float* at) {
    __m512 value = _mm512_loadu_ps(at);
    asm("" : "+v"(value));
    return value;
  }
};

}  // namespace

void GemvRowsAvx512(const GemvRows& g) {
  if (IsQuantised(g.format)) return GemvPackedAvx512(g);
  GemvRowsDense<DenseAvx512>(g);
}

void QuantiseQ8Avx512(const float* x, int64_t blocks, int8_t* q8, float* scale, float* block_sum) {
  QuantiseQ8<Avx512>(x, blocks, q8, scale, block_sum);
}

}  // namespace wattline::kernels
