#include "kernels/ceiling/gpu_ceiling.h"

namespace wattline::kernels {

const char* Name(GpuLimit limit) {
  switch (limit) {
    case GpuLimit::kF32:
      return "f32";
    case GpuLimit::kF16:
      return "f16";
    case GpuLimit::kBF16:
      return "bf16";
    case GpuLimit::kRead:
      break;
  }
  return "read";
}

}  // namespace wattline::kernels
