// Keeps the CPU busy while a meter is watched: an idle machine's counters may rest.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace wattline::energy {

// Threads that compute from the constructor to the destructor.
class BusyThreads {
 public:
  // All cores but the one of the caller, and one at least.
  BusyThreads();
  ~BusyThreads();
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace wattline::energy
