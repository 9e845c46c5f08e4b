// The ceilings' loops for AMX. Six chains: a multiplication of tiles waits 52 cycles for its result
// and one starts every 16 (Intel 64 and IA-32 Architectures Optimization Reference Manual, chapter
// on AMX), so four would do. The chains are gone through twice in a step. Peaks of f32, streams and
// intensities are those of AVX-512.
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_sums.h"

namespace wattline::kernels::amx {
namespace {

constexpr int kChains = 6;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_byte[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// What a chain, tmm\\r, does with tmm6 and tmm7, both of them ones.
#define WATTLINE_PEAK_TMM(mul_add)                                                          \
  asm volatile(                                                                             \
      "ldtilecfg (%[config])\n\t"                                                           \
      "tileloadd (%[ones],%[stride]), %%tmm6\n\t"                                           \
      "tileloadd (%[ones],%[stride]), %%tmm7\n\t"                                           \
      ".irp r,0,1,2,3,4,5\n\t"                                                              \
      "tilezero %%tmm\\r\n\t"                                                               \
      ".endr\n\t"                                                                           \
      ".p2align 6\n\t"                                                                      \
      "1:\n\t"                                                                              \
      ".irp r,0,1,2,3,4,5,0,1,2,3,4,5\n\t" mul_add                                          \
      ".endr\n\t"                                                                           \
      "decq %[steps]\n\t"                                                                   \
      "jnz 1b\n\t"                                                                          \
      ".irp r,0,1,2,3,4,5\n\t"                                                              \
      "tilestored %%tmm\\r, (\\r*1024)(%[out],%[stride])\n\t"                               \
      ".endr\n\t"                                                                           \
      "tilerelease\n\t"                                                                     \
      : [steps] "+r"(steps)                                                                 \
      : [config] "r"(&config), [ones] "r"(ones), [out] "r"(sums), [stride] "r"(int64_t{64}) \
      : "cc", "memory")

double PeakBF16(int64_t steps) {
  const TileConfig config;
  alignas(64) uint16_t ones[512];
  for (uint16_t& one : ones) one = 0x3f80;
  alignas(64) float sums[kChains * 256];
  WATTLINE_PEAK_TMM("tdpbf16ps %%tmm7, %%tmm6, %%tmm\\r\n\t");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  const TileConfig config;
  alignas(64) uint8_t ones[1024];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[kChains * 256];
  WATTLINE_PEAK_TMM("tdpbusd %%tmm7, %%tmm6, %%tmm\\r\n\t");
  return Total(sums);
}

}  // namespace

const PeakKernel kPeaks[kAmxPeaks] = {
    {PeakFormat::kBF16, "tdpbf16ps tmm x6", 2.0 * 16 * 16 * 32 * 2 * kChains, PeakBF16},
    {PeakFormat::kInt8, "tdpbusd tmm x6", 2.0 * 16 * 16 * 64 * 2 * kChains, PeakInt8},
};

}  // namespace wattline::kernels::amx
