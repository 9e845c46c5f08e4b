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

}  // namespace wattline::kernels
