// B in the order of the matrix instructions, packed by plain code: it happens once.
#include <bit>
#include <cstring>

#include "kernels/float16.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/gemm/gemm_elements.h"
#include "kernels/gemm/gemm_extended.h"

namespace wattline::kernels {
namespace {

int64_t MatrixPanelsByte(MatrixPanel panel, GemmType type, int64_t n, int64_t k) {
  const int64_t steps = (k * ElementByte(type) + panel.step_byte - 1) / panel.step_byte;
  return (n + panel.cols - 1) / panel.cols * panel.cols * steps * panel.step_byte;
}

void PutElement(GemmType type, float value, std::byte* to) {
  if (type == GemmType::kInt8) {
    *to = std::bit_cast<std::byte>(static_cast<int8_t>(value));
    return;
  }
  const uint16_t bits = Bf16FromFloat(value);
  std::memcpy(to, &bits, sizeof(bits));
}

// `place` is where a column's byte lies in a step of a panel.
void PackMatrixPanels(MatrixPanel panel, int64_t (*place)(int64_t col, int64_t byte), GemmType type,
                      const float* bt, int64_t n, int64_t k, std::byte* packed, Slice slice) {
  const int64_t element_byte = ElementByte(type);
  const int64_t in_step = panel.step_byte / element_byte;
  const int64_t steps = (k + in_step - 1) / in_step;
  const int64_t panel_step_byte = panel.cols * panel.step_byte;
  const Range share = Share(n, panel.cols, slice);
  for (int64_t j0 = share.begin; j0 < share.end; j0 += panel.cols) {
    std::byte* to = packed + j0 * steps * panel.step_byte;
    std::memset(to, 0, static_cast<size_t>(steps * panel_step_byte));
    for (int64_t col = 0; col < panel.cols && j0 + col < n; ++col) {
      for (int64_t p = 0; p < k; ++p) {
        PutElement(type, bt[(j0 + col) * k + p],
                   to + p / in_step * panel_step_byte + place(col, p % in_step * element_byte));
      }
    }
  }
}

#if defined(__x86_64__)
int64_t PlaceAmx(int64_t col, int64_t byte) {
  return (col / 16 * 16 + byte / 4) * 64 + col % 16 * 4 + byte % 4;
}
#else
int64_t PlaceNeonI8mm(int64_t col, int64_t byte) { return col * kNeonI8mmPanel.step_byte + byte; }
#endif

}  // namespace

#if defined(__x86_64__)
int64_t GemmPackedByteAmx(GemmType type, int64_t n, int64_t k) {
  return type == GemmType::kF32 ? GemmPackedByteAvx512(type, n, k)
                                : MatrixPanelsByte(kAmxPanel, type, n, k);
}
void GemmPackAmx(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                 Slice slice) {
  if (type == GemmType::kF32) return GemmPackAvx512(type, bt, n, k, packed, slice);
  PackMatrixPanels(kAmxPanel, PlaceAmx, type, bt, n, k, packed, slice);
}
#else
int64_t GemmPackedByteNeonI8mm(GemmType type, int64_t n, int64_t k) {
  return type == GemmType::kF32 ? GemmPackedByteNeon(type, n, k)
                                : MatrixPanelsByte(kNeonI8mmPanel, type, n, k);
}
void GemmPackNeonI8mm(GemmType type, const float* bt, int64_t n, int64_t k, std::byte* packed,
                      Slice slice) {
  if (type == GemmType::kF32) return GemmPackNeon(type, bt, n, k, packed, slice);
  PackMatrixPanels(kNeonI8mmPanel, PlaceNeonI8mm, type, bt, n, k, packed, slice);
}
#endif

}  // namespace wattline::kernels
