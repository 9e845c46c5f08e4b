// Lets the fake GPU leave in its memory what the launched kernel is to compute, as a real one does.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/ceiling/cuda_kernels.h"
#include "tests/fakes/fake_cuda.h"

namespace wattline::kernels {

// The kernel that launches are of.
inline std::vector<CudaKernel>& AnsweredKernels() {
  static std::vector<CudaKernel> kernels;
  return kernels;
}

inline CudaArgs ArgsOf(const FakeLaunch& launch) {
  const auto word = [&launch](size_t i) { return static_cast<uint32_t>(launch.parameters.at(i)); };
  return {.x = launch.parameters.at(0),
          .y = launch.parameters.at(1),
          .out = launch.parameters.at(2),
          .results = launch.parameters.at(3),
          .clocks = launch.parameters.at(4),
          .lines = word(5),
          .turns = word(6),
          .inner = word(7),
          .period = word(8),
          .operand = word(9)};
}

// Of the warps that are checked, in the short launches of a check.
inline void Answer(FakeCuda&, const FakeLaunch& launch) {
  constexpr uint32_t kMostTurns = 32;
  if (launch.entry != "work") return;
  const CudaArgs args = ArgsOf(launch);
  for (const CudaKernel& kernel : AnsweredKernels()) {
    // Texts differ by their shape; `inner` is not in them.
    if (kernel.ptx != launch.ptx || kernel.inner != args.inner || args.turns > kMostTurns ||
        args.operand != kernel.check_operand) {
      continue;
    }
    const CudaLaunch shape = {launch.blocks, launch.block_threads, kernel.joint};
    const uint32_t warps = shape.threads() / kWarp;
    for (const uint32_t warp : {0u, warps / 3, warps - 1}) {
      if (kernel.results) {
        const WarpWords words = kernel.results(args, shape, warp);
        std::memcpy(reinterpret_cast<void*>(args.results + sizeof words * warp), words.data(),
                    sizeof words);
      }
      if (kernel.written) {
        const uint32_t line = FirstLine(args, shape, warp * kWarp);
        const auto words = kernel.written(args, line);
        std::memcpy(reinterpret_cast<void*>(args.out + sizeof words * line), words.data(),
                    sizeof words);
      }
    }
  }
}

}  // namespace wattline::kernels
