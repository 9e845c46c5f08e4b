// The kernels of each unit, which cuda_kernels.cc chooses from.
#pragma once

#include "kernels/ceiling/cuda_kernels.h"

namespace wattline::kernels {

CudaKernel CudaF32PeakKernel();
CudaKernel CudaF32IntensityKernel(double flop_per_byte, bool joint);
// Ampere and newer; not f32.
CudaKernel CudaMmaPeakKernel(CudaFormat format);
CudaKernel CudaBF16IntensityKernel(double flop_per_byte, bool joint);
// Compute capability 9.0 alone; not f32.
CudaKernel CudaWgmmaPeakKernel(CudaFormat format);

}  // namespace wattline::kernels
