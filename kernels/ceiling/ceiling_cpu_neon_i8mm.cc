// The ceilings' loops for NEON's matrix instructions; all others are those of NEON.
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_neon.h"

namespace wattline::kernels::neon_i8mm {
namespace {

double PeakBF16(int64_t steps) {
  alignas(64) uint16_t ones[8];
  for (uint16_t& one : ones) one = 0x3f80;
  alignas(64) float sums[24 * 4];
  WATTLINE_PEAK_NEON("bfmmla v\\r\\().4s, v30.8h, v31.8h\n\t");
  return Total(sums);
}

double PeakInt8(int64_t steps) {
  alignas(64) int8_t ones[16];
  for (int8_t& one : ones) one = 1;
  alignas(64) int32_t sums[24 * 4];
  WATTLINE_PEAK_NEON("smmla v\\r\\().4s, v30.16b, v31.16b\n\t");
  return Total(sums);
}

}  // namespace

const PeakKernel kPeaks[kNeonI8mmPeaks] = {
    {PeakFormat::kBF16, "bfmmla v.4s x24", 2.0 * 16 * 24, PeakBF16},
    {PeakFormat::kInt8, "smmla v.4s x24", 2.0 * 32 * 24, PeakInt8},
};

}  // namespace wattline::kernels::neon_i8mm
