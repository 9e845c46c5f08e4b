// The intensity sweep's loops for AVX-VNNI: int8; those of f32 and bf16 are AVX2's.
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/intensity_avx2.h"

namespace wattline::kernels::avxvnni {
namespace {

struct YmmInt8 : YmmIntegers {
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
