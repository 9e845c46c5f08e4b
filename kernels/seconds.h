// A stopwatch.
#pragma once

#include <functional>

namespace wattline::kernels {

// Seconds that `work` takes.
double Seconds(const std::function<void()>& work);

}  // namespace wattline::kernels
