// The threads that run kernels: all run one function, meet at barriers, and wait by spinning first
// and parking then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/slice.h"

namespace wattline::kernels {

class ThreadPool;

// A thread's view of the pool while it runs a function.
class Worker {
 public:
  Worker(ThreadPool& pool, Slice slice) : pool_(pool), slice_(slice) {}
  Slice slice() const { return slice_; }
  // Returns once every thread of the pool has called it; memory written before is seen by all
  // after.
  void Barrier();

 private:
  ThreadPool& pool_;
  Slice slice_;
};

class ThreadPool {
 public:
  // `threads` >= 1, the calling thread included. `cpus`: as Pin(), empty pins nothing.
  explicit ThreadPool(int threads, const std::vector<int>& cpus = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  // Pins thread i to cpus[i % size], the caller too; threads that the caller starts later inherit
  // its pin. A pin that the system refuses is left out: see pinned(). Not while the pool runs.
  void Pin(const std::vector<int>& cpus);
  // Lets every thread run on each CPU of `allowed`.
  void Unpin(const std::vector<int>& allowed);
  // True where every thread has the CPU that Pin() asked for.
  bool pinned() const;
  // Barriers that all threads have met at so far, those that end a Run included; modulo 2^32. None
  // where there is one thread. Not while the pool runs.
  uint32_t meetings() const;
  // Runs `body` once on every thread, the caller as thread 0, and returns when all have finished.
  // Allocates nothing. Not reentrant.
  void Run(const std::function<void(Worker&)>& body);

 private:
  friend class Worker;
  class Signal;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wattline::kernels
