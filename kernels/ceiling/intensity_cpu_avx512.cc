// The intensity sweep's loops for AVX-512 with BF16 and VNNI. 24 chains, as the peak loops have.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/intensity_cpu.h"

namespace wattline::kernels::avx512 {
namespace {

// What all formats share: one 512-bit register of any content.
struct Zmm {
  using Part = __m512i;
  static constexpr int kVectorByte = 64;
  static constexpr int kChains = 24;
  static constexpr int kParts = 1;

  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part;
    asm volatile("vmovups %[p], %[part]"
                 : [part] "=v"(part)
                 : [p] "m"(*reinterpret_cast<const Part*>(p)));
    return part;
  }
  [[gnu::always_inline]] static void Touch(const char* p) { Load<0>(p); }
  struct Multiplier {
    explicit Multiplier(const char* y) : all(_mm512_load_si512(y)) {}
    Part all;
  };
};

struct ZmmFloats : Zmm {
  using Acc = __m512;
  using Lane = float;
  static Acc Zero() { return _mm512_setzero_ps(); }
  static void Store(Lane* lanes, Acc acc) { _mm512_store_ps(lanes, acc); }
};

struct ZmmF32 : ZmmFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kF32;
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vfmadd231ps %[x], %[y], %[acc]" : [acc] "+v"(acc) : [x] "v"(x), [y] "v"(y.all));
    return acc;
  }
};

struct ZmmBF16 : ZmmFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kBF16;
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vdpbf16ps %[x], %[y], %[acc]" : [acc] "+v"(acc) : [x] "v"(x), [y] "v"(y.all));
    return acc;
  }
};

// The even elements, shifted up, and the odd ones, loaded under a mask: that takes a shift of the
// ports that multiply, and a second load from the first-level cache.
struct ZmmWidened : ZmmFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kBF16;
  static constexpr int kParts = 2;
  static constexpr __mmask32 kOdd = 0xaaaaaaaa;
  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part;
    if constexpr (k == 0) {
      asm volatile("vpslld $16, %[p], %[part]"
                   : [part] "=v"(part)
                   : [p] "m"(*reinterpret_cast<const Part*>(p)));
    } else {
      asm volatile("vmovdqu16 %[p], %[part]%{%[odd]%}%{z%}"
                   : [part] "=v"(part)
                   : [p] "m"(*reinterpret_cast<const Part*>(p)), [odd] "Yk"(kOdd));
    }
    return part;
  }
  struct Multiplier {
    explicit Multiplier(const char* y)
        : even(_mm512_slli_epi32(_mm512_load_si512(y), 16)),
          odd(_mm512_maskz_loadu_epi16(kOdd, y)) {}
    Part even, odd;
  };
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vfmadd231ps %[x], %[y], %[acc]"
                 : [acc] "+v"(acc)
                 : [x] "v"(x), [y] "v"(k == 0 ? y.even : y.odd));
    return acc;
  }
};

struct ZmmInt8 : Zmm {
  using Acc = __m512i;
  using Lane = int32_t;
  static constexpr PeakFormat kFormat = PeakFormat::kInt8;
  static Acc Zero() { return _mm512_setzero_si512(); }
  static void Store(Lane* lanes, Acc acc) { _mm512_store_si512(lanes, acc); }
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vpdpbusd %[x], %[y], %[acc]" : [acc] "+v"(acc) : [x] "v"(x), [y] "v"(y.all));
    return acc;
  }
};

}  // namespace

const IntensityKernel kIntensities[kAvx512Intensities] = {
    {PeakFormat::kF32, "vfmadd231ps zmm x24", 64, Intensity<ZmmF32, 0>},
    {PeakFormat::kF32, "vfmadd231ps zmm x24, prefetch 1 KiB", 64, Intensity<ZmmF32, 1024>},
    {PeakFormat::kBF16, "vdpbf16ps zmm x24", 64, Intensity<ZmmBF16, 0>},
    {PeakFormat::kBF16, "vdpbf16ps zmm x24, prefetch 1 KiB", 64, Intensity<ZmmBF16, 1024>},
    {PeakFormat::kBF16, "vfmadd231ps zmm x24 (bf16 widened to f32)", 64, Intensity<ZmmWidened, 0>},
    {PeakFormat::kBF16, "vfmadd231ps zmm x24 (bf16 widened to f32), prefetch 1 KiB", 64,
     Intensity<ZmmWidened, 1024>},
    {PeakFormat::kInt8, "vpdpbusd zmm x24", 64, Intensity<ZmmInt8, 0>},
    {PeakFormat::kInt8, "vpdpbusd zmm x24, prefetch 1 KiB", 64, Intensity<ZmmInt8, 1024>},
};

}  // namespace wattline::kernels::avx512
