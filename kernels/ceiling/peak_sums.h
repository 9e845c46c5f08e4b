// The end of every peak loop: what its chains hold.
#pragma once

#include <cstddef>

namespace wattline::kernels {

// Static: each instruction set's file has its own.
template <class Number, size_t kCount>
static double Total(const Number (&sums)[kCount]) {
  double total = 0;
  for (Number sum : sums) total += sum;
  return total;
}

}  // namespace wattline::kernels
