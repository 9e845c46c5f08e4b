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

std::string WhyNotNeon() { return WhyNot("neon", NeonFeatures()); }

}  // namespace wattline::kernels
