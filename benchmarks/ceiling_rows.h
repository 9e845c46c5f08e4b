// What the rows of the ceiling fixture share: threads, footprints, instruction sets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "benchmarks/suite.h"
#include "kernels/thread_pool.h"

namespace wattline::benchmarks {

// Footprints per thread in KiB; --sweep=full has every power of two between the two.
inline constexpr int64_t kLeastKib = 8;
inline constexpr int64_t kMostKib = 512 << 10;
// Those of the default list: inside a first-level and a second-level cache, in a last-level one if
// there is any, and in memory.
bool IsDefaultKib(int64_t kib);
// KiB per thread, for this many threads, that the machine's memory allows.
int64_t MostKib(int threads);
// Of the memory that serves rows of this footprint: small ones share it, and large ones.
int64_t BufferKib(int threads, int64_t kib);

// `cpu` stands for the best of every instruction set, and is "" here; `cpu_NAME` for that one.
std::string IsaOf(const ShownBackend& shown);

// The suite's pool, or one of its own where the suite's has another size.
class Threads {
 public:
  Threads(Suite& suite, int count);
  kernels::ThreadPool& pool() const { return *pool_; }

 private:
  std::unique_ptr<kernels::ThreadPool> own_;
  kernels::ThreadPool* pool_;
};

// The rows ceiling/intensity/... of one backend and count of threads.
void RegisterIntensities(Suite& suite, const ShownBackend& shown, int threads);

}  // namespace wattline::benchmarks
