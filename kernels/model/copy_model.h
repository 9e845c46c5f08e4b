// A model's weights in memory of their own.
#pragma once

#include <memory>

#include "kernels/model/model.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

// The same model with all tensors in one buffer: in huge pages where the system grants them (the
// pages of a mapped file are small on most systems), each row written first by the thread of the
// pool that a GEMV gives it to. Null where there is no memory for it.
std::shared_ptr<Model> CopyModel(const Model& model, ThreadPool& pool);

}  // namespace wattline::kernels
