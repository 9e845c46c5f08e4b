#include <sys/sysctl.h>

#include <array>
#include <cstddef>

#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

bool Has(const char* name) {
  int value = 0;
  size_t value_byte = sizeof(value);
  return sysctlbyname(name, &value, &value_byte, nullptr, 0) == 0 && value != 0;
}

}  // namespace

std::span<const CpuFeature> NeonFeatures() {
  static const std::array<CpuFeature, 2> features = {{
      {"FEAT_FP16", Has("hw.optional.arm.FEAT_FP16")},
      {"FEAT_DotProd", Has("hw.optional.arm.FEAT_DotProd")},
  }};
  return features;
}

std::span<const CpuFeature> NeonI8mmFeatures() {
  static const std::array<CpuFeature, 4> features = {{
      NeonFeatures()[0],
      NeonFeatures()[1],
      {"FEAT_I8MM", Has("hw.optional.arm.FEAT_I8MM")},
      {"FEAT_BF16", Has("hw.optional.arm.FEAT_BF16")},
  }};
  return features;
}

std::string WhyNotNeon() { return WhyNot("neon", NeonFeatures()); }
std::string WhyNotNeonI8mm() { return WhyNot("neon_i8mm", NeonI8mmFeatures()); }

}  // namespace wattline::kernels
