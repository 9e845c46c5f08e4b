// Running a kernel of the intensity sweep on all threads of a pool, and checking it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/ceiling/ceiling_work.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

// Seeded elements of one format, and how far each thread has walked through its part. f32 and bf16:
// both signs, 1 to 2; int8: all values. The place is shared by all works: none finds in a cache
// what another has just read.
class IntensityBuffer {
 public:
  // `footprint_byte` per thread. Throws std::bad_alloc.
  IntensityBuffer(PeakFormat format, int64_t footprint_byte, ThreadPool& pool);
  PeakFormat format() const { return format_; }
  int64_t footprint_byte() const { return memory_.footprint_byte(); }
  const char* part(int thread) const { return reinterpret_cast<const char*>(memory_.part(thread)); }
  const char* multipliers() const { return reinterpret_cast<const char*>(multipliers_.data()); }
  int64_t& at_byte(int thread) { return places_[static_cast<size_t>(thread)].at_byte; }

 private:
  struct alignas(128) Place {
    int64_t at_byte = 0;
  };
  PeakFormat format_;
  StreamBuffer memory_;
  Buffer<uint64_t> multipliers_;
  std::vector<Place> places_;
};

struct IntensityShape {
  int64_t footprint_byte = 0;  // per thread, round which it walks; at most the buffer's
  int64_t step_byte = 0;       // of one step; at most the footprint
  double flop_per_byte = 1;    // see IntensityArgs
};

// Every thread walks `steps` steps on from where it is. Both lengths are rounded to whole blocks of
// the kernel, down, but to one at least: the footprint holds one.
class IntensityWork : public Work {
 public:
  // The buffer has the kernel's format and outlives the work.
  IntensityWork(const IntensityKernel& kernel, IntensityBuffer& buffer, const IntensityShape& shape,
                ThreadPool& pool);
  void SetSteps(int64_t steps) { steps_ = steps; }
  double Byte() const;  // of one Run, all threads
  double Flop() const;
  void Run() override;
  // [threads]: the sum that the kernel returned, rounded to float.
  std::vector<float> Result() const override;
  std::string Kernel() const override { return kernel_.name; }

 private:
  struct alignas(128) Cell {
    double sum = 0;
  };
  void Walk(int thread);

  IntensityKernel kernel_;
  IntensityBuffer& buffer_;
  IntensityShape shape_;
  ThreadPool& pool_;
  int64_t steps_ = 1;
  std::vector<Cell> cells_;
  std::function<void(Worker&)> body_;
};

// What kernel.run(args) is to return, in double precision; of int8 before it wraps.
double IntensityReference(const IntensityKernel& kernel, const IntensityArgs& args);

// Runs the kernel at this intensity on two blocks of small integers, whose sum is exact, and
// compares it. Empty where it is right, else one sentence.
std::string WhyWrong(const IntensityKernel& kernel, double flop_per_byte);

}  // namespace wattline::kernels
