#include "kernels/encode/random_bert.h"

#include <fmt/format.h>

#include <cmath>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/model/random_model.h"
#include "kernels/model/random_row.h"
#include "kernels/random.h"

namespace wattline::kernels {
namespace {

// What the matrices and vectors point into.
struct Storage {
  std::vector<RawBuffer> own;
  std::vector<std::shared_ptr<const void>> layers;
};

// Rows are seeded one by one, so that the bytes do not depend on the number of threads.
const std::byte* AddRandomRows(Storage& storage, Format format, int64_t rows, int64_t cols,
                               double sd, uint64_t seed, ThreadPool& pool) {
  const int64_t row_byte = RowByte(format, cols);
  std::byte* data = storage.own.emplace_back(static_cast<size_t>(rows * row_byte)).data();
  const uint64_t base = Random(seed).Next();
  pool.Run([&](Worker& worker) {
    const Range range = Share(rows, 1, worker.slice());
    for (int64_t row = range.begin; row < range.end; ++row) {
      RandomRow(format, cols, sd, base + static_cast<uint64_t>(row), data + row * row_byte);
    }
  });
  return data;
}

// Vectors of trained models scatter about 0, those of norms about 1.
const float* AddRandomVector(Storage& storage, int64_t dim, float mean, uint64_t seed,
                             ThreadPool& pool) {
  AddRandomRows(storage, Format::kF32, 1, dim, 0.1, seed, pool);
  auto* values = reinterpret_cast<float*>(storage.own.back().data());
  for (int64_t i = 0; i < dim; ++i) values[i] += mean;
  return values;
}

}  // namespace

LoadedBert MakeRandomBert(const ModelShape& shape, std::string_view format, uint64_t seed,
                          ThreadPool& pool) {
  Random seeds(seed);
  auto model = std::make_shared<BertModel>();
  auto storage = std::make_shared<Storage>();
  model->shape = shape;
  model->format = format;
  for (int64_t i = 0; i < shape.layers; ++i) {
    LoadedBertLayer made = MakeRandomBertLayer(shape, format, seeds.Next(), pool);
    if (!made.error.empty()) return {nullptr, made.error};
    model->layers.push_back(made.layer);
    storage->layers.push_back(std::move(made.storage));
  }
  const std::optional<Format> pure = FormatFromName(format);
  if (!pure) return {nullptr, fmt::format("weight format '{}' is not known here", format)};
  const int64_t dim = shape.model_dim;
  const struct {
    Matrix* matrix;
    int64_t rows;
    double sd;
  } matrices[] = {{&model->token_embd, shape.vocab, 0.05},
                  {&model->position_embd, shape.context, 0.02},
                  {&model->segment_embd, kBertSegments, 0.01},
                  {&model->pooler, dim, 1 / std::sqrt(static_cast<double>(dim))}};
  try {
    for (const auto& m : matrices) {
      const std::byte* data = AddRandomRows(*storage, *pure, m.rows, dim, m.sd, seeds.Next(), pool);
      *m.matrix = {*pure, m.rows, dim, data};
    }
    model->embd_norm = AddRandomVector(*storage, dim, 1, seeds.Next(), pool);
    model->embd_norm_bias = AddRandomVector(*storage, dim, 0, seeds.Next(), pool);
    model->pooler_bias = AddRandomVector(*storage, dim, 0, seeds.Next(), pool);
  } catch (const std::bad_alloc&) {
    return {nullptr, fmt::format("model '{}': the memory for its embeddings is not to be had; "
                                 "choose a smaller format",
                                 shape.name)};
  }
  model->storage = std::move(storage);
  return {std::move(model), {}};
}

Sentence RandomSentence(const ModelShape& shape, int64_t tokens, uint64_t seed) {
  Random random(seed);
  Sentence sentence;
  for (int64_t i = 0; i < tokens; ++i) {
    const uint64_t token = random.Next() % static_cast<uint64_t>(shape.vocab);
    sentence.tokens.push_back(static_cast<int32_t>(token));
    sentence.segments.push_back(i < tokens / 2 ? 0 : 1);
  }
  return sentence;
}

}  // namespace wattline::kernels
