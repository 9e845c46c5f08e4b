#include "energy/load.h"

#include <algorithm>

namespace wattline::energy {
namespace {

void Compute(const std::atomic<bool>& stop) {
  volatile double sink = 1;
  while (!stop.load(std::memory_order_relaxed)) {
    double x = sink;
    for (int i = 0; i < 1000; ++i) x = x * 0.999999 + 1e-6;
    sink = x;
  }
}

}  // namespace

BusyThreads::BusyThreads() {
  const unsigned count = std::max(2u, std::thread::hardware_concurrency()) - 1;
  for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { Compute(stop_); });
}

BusyThreads::~BusyThreads() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace wattline::energy
