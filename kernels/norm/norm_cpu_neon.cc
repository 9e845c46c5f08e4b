// The small row operations for NEON.
#include "kernels/norm/norm_cpu.h"
#include "kernels/simd/simd_neon.h"

namespace wattline::kernels {

void RmsNormNeon(const float* x, const float* weight, int64_t dim, float eps, float* out) {
  norm_cpu::RmsNorm<neon::Simd>(x, weight, dim, eps, out);
}

void LayerNormNeon(const float* x, const float* weight, const float* bias, int64_t dim, float eps,
                   float* out) {
  norm_cpu::LayerNorm<neon::Simd>(x, weight, bias, dim, eps, out);
}

void RopeNeon(float* head, int64_t rope_dim, const float* cos_sin, RopeLayout layout) {
  norm_cpu::Rope<neon::Simd>(head, rope_dim, cos_sin, layout);
}

void SwiGluNeon(const float* gate, const float* up, int64_t n, float* out) {
  norm_cpu::SwiGlu<neon::Simd>(gate, up, n, out);
}

void GeluNeon(const float* x, int64_t n, float* out) { norm_cpu::Gelu<neon::Simd>(x, n, out); }

void AddNeon(const float* x, int64_t n, float* inout) { norm_cpu::AddRow<neon::Simd>(x, n, inout); }

void F16FromF32Neon(const float* x, int64_t n, uint16_t* out) {
  norm_cpu::F16FromF32<neon::Simd>(x, n, out);
}

}  // namespace wattline::kernels
