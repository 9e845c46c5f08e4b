#include "kernels/backend.h"

#include <array>

#include "kernels/cpu/cpu_kernels_tables.h"
#include "kernels/cpu/features.h"

namespace wattline::kernels {
namespace {

std::string DescribeCpu(std::string_view isa, std::span<const CpuFeature> features) {
  std::string text = "wattline's own kernels, " + std::string(isa) + " with";
  for (const CpuFeature& feature : features) text.append(" ").append(feature.name);
  return text;
}

#if defined(__x86_64__)
std::string DescribeAvx512() { return DescribeCpu("avx512", Avx512Features()); }
std::string DescribeAvx2() { return DescribeCpu("avx2", Avx2Features()); }
#else
std::string DescribeNeon() { return DescribeCpu("neon", NeonFeatures()); }
#endif

constexpr Backend CpuBackend(std::string_view name, const CpuKernels* table,
                             std::string (*why_not)(), std::string (*describe)()) {
  Backend backend = {};
  backend.name = name;
  backend.why_not = why_not;
  backend.describe = describe;
  backend.cpu = table;
  return backend;
}

constexpr std::array kBackends = {
#if defined(__x86_64__)
    CpuBackend("cpu_avx512", &kAvx512Kernels, WhyNotAvx512, DescribeAvx512),
    CpuBackend("cpu_avx2", &kAvx2Kernels, WhyNotAvx2, DescribeAvx2),
#else
    CpuBackend("cpu_neon", &kNeonKernels, WhyNotNeon, DescribeNeon),
#endif
};

}  // namespace

std::span<const Backend> AllBackends() { return kBackends; }

const Backend* FindBackend(std::string_view name) {
  for (const Backend& backend : kBackends) {
    if (backend.name == name) return &backend;
  }
  return nullptr;
}

}  // namespace wattline::kernels
