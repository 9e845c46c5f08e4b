#include "kernels/ceiling/cuda_kernels.h"

#include <cassert>

#include "kernels/ceiling/cuda_lists.h"

namespace wattline::kernels {

std::vector<CudaKernel> CudaPeakKernels(CudaFormat format, CudaCapability capability) {
  std::vector<CudaKernel> kernels;
  if (format == CudaFormat::kF32) {
    kernels.push_back(CudaF32PeakKernel());
  } else if (capability >= 80) {
    if (capability == 90) kernels.push_back(CudaWgmmaPeakKernel(format));
    kernels.push_back(CudaMmaPeakKernel(format));
  }
  return kernels;
}

CudaKernel CudaIntensityKernel(CudaFormat format, double flop_per_byte, bool joint) {
  assert(format == CudaFormat::kF32 || format == CudaFormat::kBF16);
  return format == CudaFormat::kF32 ? CudaF32IntensityKernel(flop_per_byte, joint)
                                    : CudaBF16IntensityKernel(flop_per_byte, joint);
}

}  // namespace wattline::kernels
