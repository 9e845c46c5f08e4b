// The whole BERT encoder on the CPU backends.
#pragma once

#include "kernels/encode/encode.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

// `c` and what it points to outlive the work. Kernel() tells in what type its products are made.
MadeWork MakeCpuEncode(const Backend& backend, const EncodeCase& c, ThreadPool& pool);

}  // namespace wattline::kernels
