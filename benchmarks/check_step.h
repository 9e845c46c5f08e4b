// Checks a training step before it is timed.
#pragma once

#include <span>

#include "benchmarks/check.h"
#include "kernels/block/step.h"

namespace wattline::benchmarks {

// Tokens whose gradients are compared with the reference's.
inline constexpr int64_t kCheckedStepTokens = 9;

// Compares every element of every tensor of the step's last Run with the reference of its first
// kCheckedStepTokens tokens. In a causal block later tokens change nothing in earlier ones, and in
// the gradients neither where the rows of dy behind those tokens are 0: so must they be in that
// Run.
Checked CheckFirstTokens(const kernels::StepCase& c, const kernels::StepWork& step,
                         kernels::ThreadPool& pool);

// Compares sampled elements of every weight's gradient of the step's last Run, over all tokens,
// with exact sums of the operands that it used.
Checked CheckWeightGradients(const kernels::StepCase& c, const kernels::StepWork& step);

}  // namespace wattline::benchmarks
