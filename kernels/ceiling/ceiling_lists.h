// The lists that each instruction set's file defines and the architecture's file gathers.
#pragma once

#include "kernels/ceiling/ceiling.h"

namespace wattline::kernels {

inline constexpr int kAvx2Peaks = 3;
inline constexpr int kAvx512Peaks = 4;
inline constexpr int kNeonPeaks = 3;
inline constexpr int kStreamsPerIsa = 20;

namespace avx2 {
extern const PeakKernel kPeaks[kAvx2Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
}  // namespace avx2
namespace avx512 {
extern const PeakKernel kPeaks[kAvx512Peaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
}  // namespace avx512
namespace neon {
extern const PeakKernel kPeaks[kNeonPeaks];
extern const StreamKernel kStreams[kStreamsPerIsa];
}  // namespace neon

}  // namespace wattline::kernels
