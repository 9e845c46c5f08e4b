// What a training step's products and its attention take by themselves, to hold the step against.
#pragma once

#include <optional>

#include "kernels/backend.h"
#include "kernels/block/step.h"

namespace wattline::benchmarks {

// Seconds: each GEMM of the step, with B packed in advance as the gemm rows have it, as often as it
// occurs, and its attention, whose inputs the step's last Run left. Each is the median of three
// runs. Absent where the backend has no such GEMM or not the memory for it.
std::optional<double> StepParts_s(const kernels::Backend& backend, const kernels::StepCase& c,
                                  kernels::StepPass pass, kernels::StepWork& step,
                                  kernels::ThreadPool& pool);

// The median of three runs of the whole step.
double StepTime_s(kernels::StepWork& step);

}  // namespace wattline::benchmarks
