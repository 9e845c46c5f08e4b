#include <pthread.h>
#include <sched.h>

#include "kernels/cpu/pin.h"

namespace wattline::kernels {

bool PinThisThread(std::span<const int> cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
    CPU_SET(cpu, &set);
  }
  return pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
}

std::vector<int> CpusOfThisThread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (pthread_getaffinity_np(pthread_self(), sizeof(set), &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

const ThreadClasses& SystemThreadClasses() {
  static constexpr ThreadClasses kNone = {[](ThreadClass) { return false; },
                                          [] { return ThreadClass::kUnset; }};
  return kNone;
}

}  // namespace wattline::kernels
