#include "kernels/cpu/cpu_kernels.h"

#include <array>

#include "kernels/cpu/cpu_kernels_tables.h"

namespace wattline::kernels {
namespace {

#if defined(__x86_64__)
constexpr std::array<const CpuKernels*, 4> kTables = {&kAmxKernels, &kAvx512Kernels,
                                                      &kAvxVnniKernels, &kAvx2Kernels};
#else
constexpr std::array<const CpuKernels*, 2> kTables = {&kNeonI8mmKernels, &kNeonKernels};
#endif

}  // namespace

std::span<const CpuKernels* const> AllCpuKernels() { return kTables; }

const CpuKernels* BestCpuKernels() {
  for (const CpuKernels* table : kTables) {
    if (table->why_not().empty()) return table;
  }
  return nullptr;
}

bool CpuHolds(Format weights) {
  switch (weights) {
    case Format::kMlx4G128:
    case Format::kMlx8G32:
    case Format::kMlx8:
    case Format::kMlx8G128:
    case Format::kMxfp4:
    case Format::kNvfp4:
      return false;
    default:
      return true;
  }
}

std::string WhyNotCpuFormat(Format weights) {
  if (CpuHolds(weights)) return {};
  return std::string(Info(weights).name) +
         ", which the CPU kernels do not hold; the backend mlx does";
}

}  // namespace wattline::kernels
