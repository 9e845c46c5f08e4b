// Seeded operands of the fixtures: realistic values, made by all threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/buffer.h"
#include "kernels/gemm/gemm.h"
#include "kernels/matrix.h"
#include "kernels/thread_pool.h"

namespace wattline::benchmarks {

// Normal values of this standard deviation.
kernels::Buffer<float> NormalValues(int64_t count, double sd, uint64_t seed,
                                    kernels::ThreadPool& pool);
// Operands of a GEMM of this type: normal values of variance 1, for kInt8 whole numbers in
// 0 .. 127 (A) and -127 .. 127 (B).
kernels::Buffer<float> GemmA(kernels::GemmType type, int64_t count, kernels::ThreadPool& pool);
kernels::Buffer<float> GemmB(kernels::GemmType type, int64_t count, kernels::ThreadPool& pool);
// Rows of a KV cache, values of the size of normalised activations.
kernels::RawBuffer CacheRows(kernels::Format format, int64_t rows, int64_t head_dim, uint64_t seed,
                             kernels::ThreadPool& pool);

// A weight matrix and its bytes: rows of sd 1 / sqrt(cols), made in their packed format.
struct OwnedMatrix {
  kernels::Matrix matrix;
  kernels::RawBuffer bytes;
};
OwnedMatrix RandomMatrix(kernels::Format format, int64_t rows, int64_t cols, uint64_t seed,
                         kernels::ThreadPool& pool);
// The same bytes in memory of their own.
OwnedMatrix CopyOf(const OwnedMatrix& matrix, kernels::ThreadPool& pool);

}  // namespace wattline::benchmarks
