#include "kernels/seconds.h"

#include <chrono>

namespace wattline::kernels {

double Seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace wattline::kernels
