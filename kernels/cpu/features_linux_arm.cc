#include <asm/hwcap.h>
#include <sys/auxv.h>

#include <array>

#include "kernels/cpu/features.h"

namespace wattline::kernels {

std::span<const CpuFeature> NeonFeatures() {
  static const unsigned long hwcap = getauxval(AT_HWCAP);
  static const std::array<CpuFeature, 2> features = {{
      {"FEAT_FP16", (hwcap & HWCAP_ASIMDHP) != 0},
      {"FEAT_DotProd", (hwcap & HWCAP_ASIMDDP) != 0},
  }};
  return features;
}

std::span<const CpuFeature> NeonI8mmFeatures() {
  static const unsigned long hwcap2 = getauxval(AT_HWCAP2);
  static const std::array<CpuFeature, 4> features = {{
      NeonFeatures()[0],
      NeonFeatures()[1],
      {"FEAT_I8MM", (hwcap2 & HWCAP2_I8MM) != 0},
      {"FEAT_BF16", (hwcap2 & HWCAP2_BF16) != 0},
  }};
  return features;
}

std::string WhyNotNeon() { return WhyNot("neon", NeonFeatures()); }
std::string WhyNotNeonI8mm() { return WhyNot("neon_i8mm", NeonI8mmFeatures()); }

}  // namespace wattline::kernels
