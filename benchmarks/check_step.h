// Checks a training step before it is timed.
#pragma once

#include <span>

#include "benchmarks/check.h"
#include "kernels/block/step.h"

namespace wattline::benchmarks {

// Tokens whose gradients are compared with the reference's: the first 9 of a causal block, where
// later tokens change nothing in earlier ones; all of BERT's.
int64_t CheckedStepTokens(const kernels::BlockCase& c);

// Compares every element of every tensor of the step's last Run with the reference of those tokens.
// The rows of dy behind them must have been 0 in that Run, so that they add to no gradient.
Checked CheckFirstTokens(const kernels::StepCase& c, const kernels::StepWork& step,
                         kernels::ThreadPool& pool);

// Compares sampled elements of every weight's gradient of the step's last Run, over all tokens,
// with exact sums of the operands that it used. Where a second evaluation shows the operands, it is
// that one's sums, and the Run's gradient is held against its.
Checked CheckWeightGradients(const kernels::StepCase& c, const kernels::StepWork& step);

}  // namespace wattline::benchmarks
