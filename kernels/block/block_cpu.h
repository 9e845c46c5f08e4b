// The transformer block on the CPU backends.
#pragma once

#include "kernels/block/block.h"
#include "kernels/thread_pool.h"
#include "kernels/work.h"

namespace wattline::kernels {

struct Backend;

// One Llama or BERT block on `backend.cpu`; its Result is y[tokens, model_dim]. Every Run does the
// same work: it starts from c.x and from `start` cached positions.
MadeWork MakeCpuBlock(const Backend& backend, const BlockCase& c, ThreadPool& pool);

}  // namespace wattline::kernels
