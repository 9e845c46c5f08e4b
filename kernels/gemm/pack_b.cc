#include <bit>
#include <cstring>

#include "kernels/float16.h"
#include "kernels/gemm/gemm_cpu.h"

namespace wattline::kernels {
namespace {

// The 32-bit word of one column's group: elements of rising k from the low end.
uint32_t Word(GemmType type, const float* values, int64_t count) {
  if (type == GemmType::kF32) return std::bit_cast<uint32_t>(values[0]);
  uint32_t word = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (type == GemmType::kBF16) {
      word |= static_cast<uint32_t>(Bf16FromFloat(values[i])) << (16 * i);
    } else {
      word |= static_cast<uint32_t>(static_cast<uint8_t>(static_cast<int8_t>(values[i])))
              << (8 * i);
    }
  }
  return word;
}

int64_t GroupPanelsByte(int64_t panel_cols, GemmType type, int64_t n, int64_t k) {
  const int64_t group = GemmGroup(type);
  return (n + panel_cols - 1) / panel_cols * panel_cols * ((k + group - 1) / group) * 4;
}

void PackGroupPanels(int64_t panel_cols, GemmType type, const float* bt, int64_t n, int64_t k,
                     std::byte* packed, Slice slice) {
  const int64_t group = GemmGroup(type);
  const int64_t groups = (k + group - 1) / group;
  const Range share = Share(n, panel_cols, slice);
  auto* words = reinterpret_cast<uint32_t*>(packed) + share.begin * groups;
  for (int64_t j0 = share.begin; j0 < share.end; j0 += panel_cols) {
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t p = g * group;
      const int64_t count = k - p < group ? k - p : group;
      for (int64_t j = j0; j < j0 + panel_cols; ++j) {
        *words++ = j < n ? Word(type, bt + j * k + p, count) : 0;
      }
    }
  }
}

}  // namespace

int64_t GemmPackedByteAvx2(GemmType type, int64_t n, int64_t k) {
  return GroupPanelsByte(kGemmColsAvx2, type, n, k);
}
void GemmPackAvx2(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                  Slice slice) {
  PackGroupPanels(kGemmColsAvx2, type, bt, n, k, packed, slice);
}

int64_t GemmPackedByteAvx512(GemmType type, int64_t n, int64_t k) {
  return GroupPanelsByte(kGemmColsAvx512, type, n, k);
}
void GemmPackAvx512(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                    Slice slice) {
  PackGroupPanels(kGemmColsAvx512, type, bt, n, k, packed, slice);
}

int64_t GemmPackedByteNeon(GemmType type, int64_t n, int64_t k) {
  return GroupPanelsByte(kGemmColsNeon, type, n, k);
}
void GemmPackNeon(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                  Slice slice) {
  PackGroupPanels(kGemmColsNeon, type, bt, n, k, packed, slice);
}

}  // namespace wattline::kernels
