// The intensity sweep's loops for NEON of armv8.2 with dot products. 24 chains, as the peak loops
// have.
#include <arm_neon.h>

#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/intensity_cpu.h"

namespace wattline::kernels::neon {
namespace {

// What all formats share: one 128-bit register of any content.
struct Quad {
  using Part = uint32x4_t;
  static constexpr int kVectorByte = 16;
  static constexpr int kChains = 24;
  static constexpr int kParts = 1;

  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part;
    asm volatile("ldr %q[part], %[p]"
                 : [part] "=w"(part)
                 : [p] "m"(*reinterpret_cast<const Part*>(p)));
    return part;
  }
  [[gnu::always_inline]] static void Touch(const char* p) { Load<0>(p); }
  struct Multiplier {
    explicit Multiplier(const char* y) : all(Load<0>(y)) {}
    Part all;
  };
};

struct QuadFloats : Quad {
  using Acc = float32x4_t;
  using Lane = float;
  static Acc Zero() { return vdupq_n_f32(0); }
  static void Store(Lane* lanes, Acc acc) { vst1q_f32(lanes, acc); }
};

struct QuadF32 : QuadFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kF32;
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("fmla %[acc].4s, %[x].4s, %[y].4s" : [acc] "+w"(acc) : [x] "w"(x), [y] "w"(y.all));
    return acc;
  }
};

// armv8.2 has no instruction for bf16: the even elements are shifted up, of the odd ones the lower
// halves are cleared.
struct QuadWidened : QuadFloats {
  static constexpr PeakFormat kFormat = PeakFormat::kBF16;
  static constexpr int kParts = 2;
  template <int k>
  [[gnu::always_inline]] static Part Load(const char* p) {
    Part part = Quad::Load<0>(p);
    if constexpr (k == 0) {
      asm volatile("shl %[part].4s, %[part].4s, #16" : [part] "+w"(part));
    } else {
      asm volatile("bic %[part].4s, #255\n\tbic %[part].4s, #255, lsl #8" : [part] "+w"(part));
    }
    return part;
  }
  struct Multiplier {
    explicit Multiplier(const char* y)
        : even(QuadWidened::Load<0>(y)), odd(QuadWidened::Load<1>(y)) {}
    Part even, odd;
  };
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("fmla %[acc].4s, %[x].4s, %[y].4s"
                 : [acc] "+w"(acc)
                 : [x] "w"(x), [y] "w"(k == 0 ? y.even : y.odd));
    return acc;
  }
};

struct QuadInt8 : Quad {
  using Acc = int32x4_t;
  using Lane = int32_t;
  static constexpr PeakFormat kFormat = PeakFormat::kInt8;
  static Acc Zero() { return vdupq_n_s32(0); }
  static void Store(Lane* lanes, Acc acc) { vst1q_s32(lanes, acc); }
  template <int k>
  [[gnu::always_inline]] static Acc MulAdd(Acc acc, Part x, const Multiplier& y) {
    asm volatile("sdot %[acc].4s, %[x].16b, %[y].16b"
                 : [acc] "+w"(acc)
                 : [x] "w"(x), [y] "w"(y.all));
    return acc;
  }
};

}  // namespace

const IntensityKernel kIntensities[kNeonIntensities] = {
    {PeakFormat::kF32, "fmla v.4s x24", 16, Intensity<QuadF32, 0>},
    {PeakFormat::kF32, "fmla v.4s x24, prefetch 1 KiB", 16, Intensity<QuadF32, 1024>},
    {PeakFormat::kBF16, "fmla v.4s x24 (bf16 widened to f32)", 16, Intensity<QuadWidened, 0>},
    {PeakFormat::kBF16, "fmla v.4s x24 (bf16 widened to f32), prefetch 1 KiB", 16,
     Intensity<QuadWidened, 1024>},
    {PeakFormat::kInt8, "sdot v.4s x24", 16, Intensity<QuadInt8, 0>},
    {PeakFormat::kInt8, "sdot v.4s x24, prefetch 1 KiB", 16, Intensity<QuadInt8, 1024>},
};

}  // namespace wattline::kernels::neon
