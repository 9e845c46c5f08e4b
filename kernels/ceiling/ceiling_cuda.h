// Running the ceilings' kernels on an NVIDIA GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kernels/ceiling/cuda_driver.h"
#include "kernels/ceiling/cuda_kernels.h"

namespace wattline::kernels {

// A kernel, compiled, with its results and its memory. One turn is what all threads do in one turn
// of the loop. Every launch is complete when its function returns.
class CudaWork {
 public:
  // `memory` holds the kernel's arrays, `footprint_byte` in all, and is filled for it: 0 for
  // kernels without arrays. The GPU and the memory outlive the work.
  CudaWork(CudaGpu& gpu, CudaKernel kernel, uint64_t memory, int64_t footprint_byte);

  // Half a turn does not exist: with a period, turns are multiples of it.
  int64_t LeastTurns() const { return kernel_.period; }
  double Op() const;    // of one turn
  double Byte() const;  // likewise
  const std::string& name() const { return kernel_.name; }

  // False where the GPU has a fault.
  bool Run(int64_t turns);
  // A few turns, held against the same arithmetic here, bit for bit. Empty where they agree.
  std::string Check();

  // Clock of the multiprocessors, mean over the loops of all launches since StartClock(): cycles
  // over nanoseconds, both counted by the GPU itself.
  void StartClock();
  std::optional<double> ClockHz();

 private:
  bool Launch(const CudaArgs& args);
  std::string CheckResults(const CudaArgs& args, uint32_t warp);
  std::string CheckWritten(const CudaArgs& args, uint32_t warp);

  CudaGpu& gpu_;
  CudaKernel kernel_;
  CudaLaunch launch_;
  CudaArgs args_;
  CudaMemory results_;
  CudaModule module_;
};

// Memory that all rows of a GPU use in turn.
class CudaBuffer {
 public:
  explicit CudaBuffer(CudaGpu& gpu) : gpu_(gpu), fill_(gpu, FillPtx(), "fill") {}
  // At least `byte`, filled as `kernel` asks. 0 where it does not fit or the GPU has a fault.
  uint64_t Filled(const CudaKernel& kernel, int64_t byte);

 private:
  CudaGpu& gpu_;
  CudaModule fill_;
  std::unique_ptr<CudaMemory> memory_;
  int64_t byte_ = 0;
};

}  // namespace wattline::kernels
