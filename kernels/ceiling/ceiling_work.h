// Running a ceiling's micro-kernel on all threads of a pool at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

// Every thread does `steps` steps: pool.size() * steps * kernel.op_per_step operations.
class PeakWork : public Work {
 public:
  PeakWork(const PeakKernel& kernel, ThreadPool& pool);
  void SetSteps(int64_t steps) { steps_ = steps; }
  double Op() const;  // operations of one Run
  void Run() override;
  // [threads]: the sum of each thread's accumulators, which is half of its operations.
  std::vector<float> Result() const override;
  std::string Kernel() const override { return kernel_.name; }

 private:
  struct alignas(128) Cell {
    double sum = 0;
  };
  PeakKernel kernel_;
  ThreadPool& pool_;
  int64_t steps_ = 1;
  std::vector<Cell> cells_;
  std::function<void(Worker&)> body_;
};

// What 8 bytes of memory are filled with: the bits of a seeded number, or fixed ones. Unless told
// otherwise, floats between 1 and 2.
struct StreamFill {
  uint64_t random_bits = 0x007fffff007fffffu;
  uint64_t fixed_bits = 0x3f8000003f800000u;
};

// Memory for streams: each thread has a part of its own, first touched and filled by it.
class StreamBuffer {
 public:
  // `footprint_byte` per thread, rounded down to whole lines. Throws std::bad_alloc.
  StreamBuffer(int64_t footprint_byte, ThreadPool& pool, StreamFill fill = {});
  int64_t footprint_byte() const { return footprint_byte_; }
  float* part(int thread) const;  // 64-byte aligned, footprint_byte() long

 private:
  int64_t footprint_byte_;
  Buffer<float> floats_;
};

// Every thread walks its own `footprint_byte` bytes, `passes` times: one array for read and write,
// two halves for copy, three thirds for triad. The footprint is all that the caches must hold.
class StreamWork : public Work {
 public:
  // `footprint_byte` is at most the buffer's; both outlive the work.
  StreamWork(const StreamKernel& kernel, const StreamBuffer& buffer, int64_t footprint_byte,
             ThreadPool& pool);
  void SetPasses(int64_t passes) { passes_ = passes; }
  double Byte() const;  // bytes of one Run, all threads
  void Run() override;
  // [threads]: the kernel's return value, the checksum of read, rounded to float.
  std::vector<float> Result() const override;
  std::string Kernel() const override { return kernel_.name; }

 private:
  struct alignas(128) Cell {
    StreamArgs args;
    uint32_t sum = 0;
  };
  StreamKernel kernel_;
  ThreadPool& pool_;
  int64_t count_;
  int64_t passes_ = 1;
  std::vector<Cell> cells_;
  std::function<void(Worker&)> body_;
};

// Mean time of a cache line's way from thread 0 to thread 1 and back, over a few thousand trips in
// at most `limit_s`; absent where fewer than 200 were made, as when both threads share a core.
// The pool has two threads or more.
std::optional<double> RoundTripS(ThreadPool& pool, double limit_s);

}  // namespace wattline::kernels
