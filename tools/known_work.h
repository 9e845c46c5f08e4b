// What kernels/ knows of a row's work from its name: the joint between the laws of the kernels and
// the lint of roofline/, which do not know each other.
#pragma once

#include "roofline/lint.h"

namespace wattline::tools {

// Rows of gemm, attention, block, dequant and decode that are named as benchmarks/ names them;
// everything absent for others, and for models that kernels/ has no shape of.
roofline::KnownWork KnownWorkOf(const roofline::Row& row);

}  // namespace wattline::tools
