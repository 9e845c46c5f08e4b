#include "benchmarks/operands.h"

#include <cmath>
#include <cstring>

#include "kernels/model/random_row.h"
#include "kernels/random.h"

namespace wattline::benchmarks {
namespace {

using kernels::Buffer;
using kernels::Range;
using kernels::ThreadPool;
using kernels::Worker;

// Elements with a generator of their own, so that values do not depend on the number of threads.
constexpr int64_t kGrain = 4096;

// Fills `count` elements with draw(Random&), by all threads.
template <typename T, typename Draw>
Buffer<T> Filled(int64_t count, uint64_t seed, ThreadPool& pool, const Draw& draw) {
  Buffer<T> values(count);
  pool.Run([&](Worker& worker) {
    const Range range = kernels::Share(count, kGrain, worker.slice());
    for (int64_t begin = range.begin; begin < range.end; begin += kGrain) {
      const int64_t end = begin + kGrain < range.end ? begin + kGrain : range.end;
      kernels::Random random(seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(begin));
      for (int64_t i = begin; i < end; ++i) values[i] = draw(random);
    }
  });
  return values;
}

// Rows of `format` at `to`, by all threads.
void FillRows(kernels::Format format, int64_t rows, int64_t cols, double sd, uint64_t seed,
              std::byte* to, ThreadPool& pool) {
  const int64_t row_byte = kernels::RowByte(format, cols);
  pool.Run([&](Worker& worker) {
    const Range range = kernels::Share(rows, 1, worker.slice());
    for (int64_t row = range.begin; row < range.end; ++row) {
      kernels::RandomRow(format, cols, sd, seed + static_cast<uint64_t>(row), to + row * row_byte);
    }
  });
}

float Whole(kernels::Random& random, int least, int most) {
  const auto choices = static_cast<uint64_t>(most - least + 1);
  return static_cast<float>(least + static_cast<int>(random.Next() % choices));
}

}  // namespace

Buffer<float> NormalValues(int64_t count, double sd, uint64_t seed, ThreadPool& pool) {
  const auto scale = static_cast<float>(sd);
  return Filled<float>(count, seed, pool,
                       [scale](kernels::Random& r) { return scale * r.Normal(); });
}

Buffer<float> GemmA(kernels::GemmType type, int64_t count, ThreadPool& pool) {
  if (type != kernels::GemmType::kInt8) return NormalValues(count, 1, 1, pool);
  return Filled<float>(count, 1, pool, [](kernels::Random& r) { return Whole(r, 0, 127); });
}

Buffer<float> GemmB(kernels::GemmType type, int64_t count, ThreadPool& pool) {
  if (type != kernels::GemmType::kInt8) return NormalValues(count, 1, 2, pool);
  return Filled<float>(count, 2, pool, [](kernels::Random& r) { return Whole(r, -127, 127); });
}

kernels::RawBuffer CacheRows(kernels::Format format, int64_t rows, int64_t head_dim, uint64_t seed,
                             ThreadPool& pool) {
  const int64_t row_byte = kernels::RowByte(format, head_dim);
  kernels::RawBuffer cache(static_cast<size_t>(rows * row_byte));
  // Rows count their seeds up: those of different caches must not meet.
  FillRows(format, rows, head_dim, 1, seed << 32, cache.data(), pool);
  return cache;
}

OwnedMatrix RandomMatrix(kernels::Format format, int64_t rows, int64_t cols, uint64_t seed,
                         ThreadPool& pool) {
  OwnedMatrix owned;
  owned.bytes = kernels::RawBuffer(static_cast<size_t>(rows * kernels::RowByte(format, cols)));
  owned.matrix = {format, rows, cols, owned.bytes.data()};
  const double sd = 1 / std::sqrt(static_cast<double>(cols));
  FillRows(format, rows, cols, sd, seed, owned.bytes.data(), pool);
  return owned;
}

OwnedMatrix CopyOf(const OwnedMatrix& matrix, ThreadPool& pool) {
  OwnedMatrix copy;
  copy.bytes = kernels::RawBuffer(matrix.bytes.byte());
  copy.matrix = matrix.matrix;
  copy.matrix.data = copy.bytes.data();
  pool.Run([&](Worker& worker) {
    const Range range =
        kernels::Share(static_cast<int64_t>(matrix.bytes.byte()), 4096, worker.slice());
    std::memcpy(copy.bytes.data() + range.begin, matrix.bytes.data() + range.begin,
                static_cast<size_t>(range.end - range.begin));
  });
  return copy;
}

}  // namespace wattline::benchmarks
