// The small row operations for AVX2.
#include "kernels/norm/norm_cpu.h"
#include "kernels/simd/simd_avx2.h"

namespace wattline::kernels {

void RmsNormAvx2(const float* x, const float* weight, int64_t dim, float eps, float* out) {
  norm_cpu::RmsNorm<avx2::Simd>(x, weight, dim, eps, out);
}

void LayerNormAvx2(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                   float* out) {
  norm_cpu::LayerNorm<avx2::Simd>(x, weight, bias, dim, eps, out);
}

void RopeAvx2(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout) {
  norm_cpu::Rope<avx2::Simd>(head, rope_dim, cos_sin, layout);
}

void SwiGluAvx2(const float* gate, const float* up, int64_t n, float* out) {
  norm_cpu::SwiGlu<avx2::Simd>(gate, up, n, out);
}

void GeluAvx2(const float* x, int64_t n, float* out) { norm_cpu::Gelu<avx2::Simd>(x, n, out); }

void AddAvx2(const float* x, int64_t n, float* inout) { norm_cpu::AddRow<avx2::Simd>(x, n, inout); }

void F16FromF32Avx2(const float* x, int64_t n, uint16_t* out) {
  norm_cpu::F16FromF32<avx2::Simd>(x, n, out);
}

}  // namespace wattline::kernels
