// The intensity sweep's loops for AVX2 with FMA.
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/intensity_avx2.h"

namespace wattline::kernels::avx2 {
namespace {

struct YmmFloats : Ymm {
  using Acc = __m256;
  using Lane = float;
  static Acc Zero() { return _mm256_setzero_ps(); }
  static void Store(Lane* lanes, Acc acc) { _mm256_store_ps(lanes, acc); }
};

struct YmmF32 : YmmFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kF32;
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vfmadd231ps %[x], %[y], %[acc]" : [acc] "+x"(acc) : [x] "x"(x), [y] "x"(y.all));
    return acc;
  }
};

// AVX2 has no instruction for bf16: the even elements are shifted up, of the odd ones the lower
// halves are cleared, by two shifts, since there is no register left for a mask.
struct YmmWidened : YmmFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kBF16;
  static constexpr int kParts = 2;
  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part = Ymm::Load<0>(p);
    if constexpr (k == 0) {
      asm volatile("vpslld $16, %[part], %[part]" : [part] "+x"(part));
    } else {
      asm volatile("vpsrld $16, %[part], %[part]\n\tvpslld $16, %[part], %[part]"
                   : [part] "+x"(part));
    }
    return part;
  }
  struct Multiplier {
    explicit Multiplier(const char* y)
        : even(YmmWidened::Load<0>(y)), odd(YmmWidened::Load<1>(y)) {}
    Part even, odd;
  };
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("vfmadd231ps %[x], %[y], %[acc]"
                 : [acc] "+x"(acc)
                 : [x] "x"(x), [y] "x"(k == 0 ? y.even : y.odd));
    return acc;
  }
};

// Bytes to sums of two, to sums of four, to the accumulator. y is the operand without sign; at most
// 127, so that a sum of two products fits its 16 bits.
struct YmmInt8 : YmmIntegers {
  struct Multiplier {
    explicit Multiplier(const char* y) : all(Load<0>(y)), ones(_mm256_set1_epi16(1)) {}
    Part all, ones;
  };
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    Part sums;
    asm volatile(
        "vpmaddubsw %[x], %[y], %[sums]\n\t"
        "vpmaddwd %[ones], %[sums], %[sums]\n\t"
        "vpaddd %[sums], %[acc], %[acc]"
        : [acc] "+x"(acc), [sums] "=&x"(sums)
        : [x] "x"(x), [y] "x"(y.all), [ones] "x"(y.ones));
    return acc;
  }
};

}  // namespace

const IntensityKernel kIntensities[kAvx2Intensities] = {
    {PeakFormat::kF32, "vfmadd231ps ymm x12", 32, Intensity<YmmF32, 0>},
    {PeakFormat::kF32, "vfmadd231ps ymm x12, prefetch 1 KiB", 32, Intensity<YmmF32, 1024>},
    {PeakFormat::kBF16, "vfmadd231ps ymm x12 (bf16 widened to f32)", 32, Intensity<YmmWidened, 0>},
    {PeakFormat::kBF16, "vfmadd231ps ymm x12 (bf16 widened to f32), prefetch 1 KiB", 32,
     Intensity<YmmWidened, 1024>},
    {PeakFormat::kInt8, "vpmaddubsw+vpmaddwd+vpaddd ymm x12", 32, Intensity<YmmInt8, 0>},
    {PeakFormat::kInt8, "vpmaddubsw+vpmaddwd+vpaddd ymm x12, prefetch 1 KiB", 32,
     Intensity<YmmInt8, 1024>},
};

}  // namespace wattline::kernels::avx2
