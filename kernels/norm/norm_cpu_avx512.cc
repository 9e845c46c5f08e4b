// The small row operations for AVX-512.
#include "kernels/norm/norm_cpu.h"
#include "kernels/simd/simd_avx512.h"

namespace wattline::kernels {

void RmsNormAvx512(const float* x, const float* weight, int64_t dim, float eps, float* out) {
  norm_cpu::RmsNorm<avx512::Simd>(x, weight, dim, eps, out);
}

void LayerNormAvx512(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                     float* out) {
  norm_cpu::LayerNorm<avx512::Simd>(x, weight, bias, dim, eps, out);
}

void RopeAvx512(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout) {
  norm_cpu::Rope<avx512::Simd>(head, rope_dim, cos_sin, layout);
}

void SwiGluAvx512(const float* gate, const float* up, int64_t n, float* out) {
  norm_cpu::SwiGlu<avx512::Simd>(gate, up, n, out);
}

void GeluAvx512(const float* x, int64_t n, float* out) { norm_cpu::Gelu<avx512::Simd>(x, n, out); }

void AddAvx512(const float* x, int64_t n, float* inout) {
  norm_cpu::AddRow<avx512::Simd>(x, n, inout);
}

void F16FromF32Avx512(const float* x, int64_t n, uint16_t* out) {
  norm_cpu::F16FromF32<avx512::Simd>(x, n, out);
}

}  // namespace wattline::kernels
