// The lists that each instruction set's file defines and the architecture's file gathers.
#pragma once

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

inline constexpr int kAvx2Peaks = 3;
inline constexpr int kAvx512Peaks = 4;
inline constexpr int kNeonPeaks = 3;
inline constexpr int kStreamsPerIsa = 20;
inline constexpr int kAvx2Intensities = 6;
inline constexpr int kAvx512Intensities = 8;
inline constexpr int kNeonIntensities = 6;

namespace avx2 {
extern const PeakKernel kPeaks[kAvx2Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kAvx2Intensities];
}  // namespace avx2
namespace avx512 {
extern const PeakKernel kPeaks[kAvx512Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kAvx512Intensities];
}  // namespace avx512
namespace neon {
extern const PeakKernel kPeaks[kNeonPeaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
extern const IntensityKernel kIntensities[kNeonIntensities];
}  // namespace neon

}  // namespace wattline::kernels
