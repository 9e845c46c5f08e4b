// What tests of all tables loop over: the formats that those hold, and instruction sets whose
// functions are tested with another set's already. In an emulator, and under sanitizers, running
// the same code twice would cost minutes.
#pragma once

#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/format.h"

namespace wattline::kernels {

// The formats of weights that the tables hold.
inline std::vector<FormatInfo> CpuFormats() {
  std::vector<FormatInfo> formats;
  for (const FormatInfo& info : AllFormats()) {
    if (CpuHolds(info.format)) formats.push_back(info);
  }
  return formats;
}

// The first table behind `table` in AllCpuKernels() for which `same` holds; null where there is
// none.
template <typename Same>
const CpuKernels* LaterTable(const CpuKernels& table, Same same) {
  bool later = false;
  for (const CpuKernels* other : AllCpuKernels()) {
    if (later && same(*other)) return other;
    later = later || other == &table;
  }
  return nullptr;
}

// The one that has the same functions in these members: SameIn(table, &CpuKernels::attention ...).
template <typename... Members>
const CpuKernels* SameIn(const CpuKernels& table, Members... members) {
  return LaterTable(
      table, [&](const CpuKernels& other) { return ((table.*members == other.*members) && ...); });
}

// The one from which `table` takes every function but GEMM's, as neon_i8mm takes neon's: what does
// not call the table's GEMM is the same code with both.
inline const CpuKernels* SameButGemm(const CpuKernels& table) {
  static_assert(std::has_unique_object_representations_v<CpuKernels>);  // bytes may be compared
  return LaterTable(table, [&table](CpuKernels other) {
    other.isa = table.isa;
    other.why_not = table.why_not;
    other.gemm_packed_byte = table.gemm_packed_byte;
    other.gemm_pack = table.gemm_pack;
    other.gemm_scratch_byte = table.gemm_scratch_byte;
    other.gemm = table.gemm;
    return std::memcmp(&other, &table, sizeof(CpuKernels)) == 0;
  });
}

}  // namespace wattline::kernels
