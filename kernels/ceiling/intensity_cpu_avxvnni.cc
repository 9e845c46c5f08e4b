// The intensity sweep's loops for AVX-VNNI: int8; those of f32 and bf16 are AVX2's.
#include <immintrin.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/intensity_cpu.h"

namespace wattline::kernels::avxvnni {
namespace {

// y is the operand without sign.
struct YmmInt8 {
  using Part = __m256i;
  using Acc = __m256i;
  using Lane = int32_t;
  static constexpr PeakFormat kFormat = PeakFormat::kInt8;
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
    explicit Multiplier(const char* y) : all(Load<0>(y)) {}
    Part all;
  };
  static Acc Zero() { return _mm256_setzero_si256(); }
  static void Store(Lane* lanes, Acc acc) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), acc);
  }
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("%{vex%} vpdpbusd %[x], %[y], %[acc]"
                 : [acc] "+x"(acc)
                 : [x] "x"(x), [y] "x"(y.all));
    return acc;
  }
};

}  // namespace

const IntensityKernel kIntensities[kAvxVnniIntensities] = {
    {PeakFormat::kInt8, "vpdpbusd ymm x12", 32, Intensity<YmmInt8, 0>},
    {PeakFormat::kInt8, "vpdpbusd ymm x12, prefetch 1 KiB", 32, Intensity<YmmInt8, 1024>},
};

}  // namespace wattline::kernels::avxvnni
