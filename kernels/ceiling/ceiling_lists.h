// The lists that each instruction set's file defines and the architecture's file gathers.
#pragma once

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

inline constexpr int kAvx2Peaks = 3;
inline constexpr int kAvxVnniPeaks = 1;
inline constexpr int kAvx512Peaks = 4;
inline constexpr int kAmxPeaks = 2;
inline constexpr int kNeonPeaks = 3;
inline constexpr int kNeonI8mmPeaks = 2;
inline constexpr int kStreamsPerIsa = 20;
inline constexpr int kAvx2Intensities = 6;
inline constexpr int kAvxVnniIntensities = 2;
inline constexpr int kAvx512Intensities = 8;
inline constexpr int kNeonIntensities = 6;

namespace avx2 {
extern const PeakKernel kPeaks[kAvx2Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kAvx2Intensities];
}  // namespace avx2
namespace avxvnni {
extern const PeakKernel kPeaks[kAvxVnniPeaks];
extern const IntensityKernel kIntensities[kAvxVnniIntensities];
}  // namespace avxvnni
namespace avx512 {
extern const PeakKernel kPeaks[kAvx512Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kAvx512Intensities];
}  // namespace avx512
namespace amx {
extern const PeakKernel kPeaks[kAmxPeaks];
}  // namespace amx
namespace neon {
extern const PeakKernel kPeaks[kNeonPeaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kNeonIntensities];
}  // namespace neon
namespace neon_i8mm {
extern const PeakKernel kPeaks[kNeonI8mmPeaks];
}  // namespace neon_i8mm

}  // namespace wattline::kernels
