// A GPU's ceilings through MLX: kernels of our own, which MLX compiles for Apple's and NVIDIA's
// GPUs at run time, and the best that MLX itself does.
#pragma once

#include <cstdint>

#include "kernels/ceiling/gpu_ceiling.h"

namespace wattline::kernels {

struct MlxCeilingOptions {
  // Of the square matrices: M1 multiplies two in 50 ms, H200 in 0.2 ms (bf16).
  int matmul_side = 4096;
  // Where that takes less time, twice the side is tried as well.
  double short_s = 0.01;
  // Read once a unit; a multiple of 16 MiB. The default is more than any system cache holds (M1
  // Ultra's: 96 MB), and an eighth of the smallest Mac's memory.
  int64_t read_byte = kGpuRead_byte;
};

// Everything that this build of MLX can be asked on its default device. Fused multiply-adds of a
// narrow format do not bound what matrix units do with it: a matmul of MLX is among the works of
// every format, and where units multiply narrow formats into f32 sums (Apple's M1 to M4), the f32
// kernel is one of theirs.
GpuWorks MlxCeilingWorks(GpuLimit limit, const MlxCeilingOptions& options = {});

}  // namespace wattline::kernels
