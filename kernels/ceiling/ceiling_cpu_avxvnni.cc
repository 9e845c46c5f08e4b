// The ceilings' loop for AVX-VNNI; all others are those of AVX2.
#include "kernels/ceiling/ceiling_lists.h"
#include "kernels/ceiling/peak_avx2.h"

namespace wattline::kernels::avxvnni {
namespace {

// {vex}: without it the assembler takes the encoding of AVX-512.
double PeakInt8(int64_t steps) {
  alignas(64) uint8_t ones[32];
  for (uint8_t& one : ones) one = 1;
  alignas(64) int32_t sums[12 * 8];
  WATTLINE_PEAK_YMM("", "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm\\r\n\t");
  return Total(sums);
}

}  // namespace

const PeakKernel kPeaks[kAvxVnniPeaks] = {
    {PeakFormat::kInt8, "vpdpbusd ymm x12", 2.0 * 32 * 12, PeakInt8},
};

}  // namespace wattline::kernels::avxvnni
