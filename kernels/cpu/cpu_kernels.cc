#include "kernels/cpu/cpu_kernels.h"

#include <array>

#include "kernels/cpu/cpu_kernels_tables.h"

namespace wattline::kernels {
namespace {

#if defined(__x86_64__)
constexpr std::array<const CpuKernels*, 2> kTables = {&kAvx512Kernels, &kAvx2Kernels};
#else
constexpr std::array<const CpuKernels*, 1> kTables = {&kNeonKernels};
#endif

}  // namespace

std::span<const CpuKernels* const> AllCpuKernels() { return kTables; }

const CpuKernels* BestCpuKernels() {
  for (const CpuKernels* table : kTables) {
    if (table->why_not().empty()) return table;
  }
  return nullptr;
}

}  // namespace wattline::kernels
