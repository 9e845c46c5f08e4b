// What a GPU's ceilings are measured with: work whose operations or bytes are known, of which the
// fastest is taken.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace wattline::kernels {

// Multiply-adds of a format, or reading memory.
enum class GpuLimit : uint8_t { kF32, kF16, kBF16, kRead };
const char* Name(GpuLimit limit);  // "f32", "f16", "bf16", "read", as in benchmark names

// What a work of kRead reads in one unit.
inline constexpr int64_t kGpuRead_byte = int64_t{1} << 30;

struct GpuWork {
  std::string kernel;   // "fma x16", "MLX matmul 4096x4096x4096"
  double per_unit = 0;  // operations (a multiply-add counts 2) or bytes of one unit
  // Does `units` of it and returns when the GPU has finished. Throws std::exception where the
  // library does.
  std::function<void(int64_t units)> run;
};

struct GpuWorks {
  std::vector<GpuWork> works;  // each was run and its result found right
  std::string why_not;         // of those that are missing: one sentence; empty where none is
};

}  // namespace wattline::kernels
