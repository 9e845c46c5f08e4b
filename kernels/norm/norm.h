// The small row operations of a transformer: normalisation, RoPE, SwiGLU, GELU; their references.
#pragma once

#include <cstdint>

namespace wattline::kernels {

// How RoPE pairs the elements of a head: (2i, 2i+1), as GGUF's "llama" files have them, or
// (i, i + rope_dim/2), as Hugging Face's safetensors have them ("NEOX").
enum class RopeLayout : uint8_t { kAdjacent, kHalves };

// Double-precision references; one row each, out may be x.
// out[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]
void RmsNormReference(const double* x, const float* weight, int64_t dim, double eps, double* out);
// out[i] = (x[i] - mean) / sqrt(variance + eps) * weight[i] + bias[i]
void LayerNormReference(const double* x, const float* weight, const float* bias, int64_t dim,
                        double eps, double* out);
// Rotates pair i of one head by position * base^(-2i/rope_dim) / factor[i] (factor null: 1).
// Elements from rope_dim on are left alone.
void RopeReference(double* head, int64_t rope_dim, int64_t position, double base,
                   const float* factor, RopeLayout layout);
// out[i] = gate[i] / (1 + exp(-gate[i])) * up[i]
void SwiGluReference(const double* gate, const double* up, int64_t n, double* out);
// out[i] = x[i] * (1 + erf(x[i] / sqrt 2)) / 2
void GeluReference(const double* x, int64_t n, double* out);

// cos and sin of each pair's angle at one position, computed in double: cos_sin[rope_dim], pairs
// (cos, sin) interleaved. Shared by all heads and layers of a step.
void RopeAngles(int64_t rope_dim, int64_t position, double base, const float* factor,
                float* cos_sin);

}  // namespace wattline::kernels
