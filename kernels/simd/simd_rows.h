// The wrappers' own functions over rows of n elements, so that tests reach every instruction set.
#pragma once

#include <cstdint>

namespace wattline::kernels {

struct SimdRows {
  void (*exp)(const float* x, int64_t n, float* out);
  void (*exp2)(const float* x, int64_t n, float* out);
  void (*f32_from_f16)(const uint16_t* x, int64_t n, float* out);
  void (*f32_from_bf16)(const uint16_t* x, int64_t n, float* out);
  void (*bf16_from_f32)(const float* x, int64_t n, uint16_t* out);
  float (*sum)(const float* x, int64_t n);
  float (*max)(const float* x, int64_t n);
};

// Each is defined where its instruction set is compiled.
extern const SimdRows kSimdRowsAvx2;
extern const SimdRows kSimdRowsAvx512;
extern const SimdRows kSimdRowsNeon;

}  // namespace wattline::kernels
