// What the intensity sweep's loops on 256-bit registers share, for AVX2 and AVX-VNNI. 12 chains, as
// the peak loops have: with a vector of two parts and their multipliers they fill the 16 registers.
#pragma once

#include <immintrin.h>

#include "kernels/ceiling/intensity_cpu.h"

namespace wattline::kernels {
namespace {  // each file's own

// What all formats share: one 256-bit register of any content.
struct Ymm {
  using Part = __m256i;
  static constexpr int kVectorByte = 32;
  static constexpr int kChains = 12;
  static constexpr int kParts = 1;

  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part;
    asm volatile("vmovups %[p], %[part]"
                 : [part] "=x"(part)
                 : [p] "m"(*reinterpret_cast<const Part*>(p)));
    return part;
  }
  [[gnu::always_inline]] static void Touch(const char* p) { Load<0>(p); }
  struct Multiplier {
    explicit Multiplier(const char* y)
        : all(_mm256_load_si256(reinterpret_cast<const __m256i*>(y))) {}
    Part all;
  };
};

// 8-bit products, summed in 32 bits. y is the operand without sign.
struct YmmIntegers : Ymm {
  using Acc = __m256i;
  using Lane = int32_t;
  static constexpr PeakFormat kFormat = PeakFormat::kInt8;
  static Acc Zero() { return _mm256_setzero_si256(); }
  static void Store(Lane* lanes, Acc acc) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), acc);
  }
};

}  // namespace
}  // namespace wattline::kernels
