// Models with seeded random weights: what is measured where there is no file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/block/block.h"
#include "kernels/model/model.h"
#include "kernels/thread_pool.h"

namespace wattline::kernels {

// `format` is a Format's name or "q4_k_m", see PlanFormats. Weights are made row by row in their
// packed format, by the pool's threads over their share of each matrix's rows, so that memory lies
// near the threads that will read it. Bytes depend on shape, format and seed only.
//
// Standard deviations keep a forward pass meaningful: with weights of sd 1 / sqrt(cols) a
// normalised input gives outputs of about 1; the two matrices that write to the residual stream are
// damped by sqrt(2 layers); logits have an sd of about 3, so that the best of them stand apart.
LoadedModel MakeRandomModel(const ModelShape& shape, std::string_view format, uint64_t seed,
                            ThreadPool& pool);

// Bytes of the weights of such a model; nullopt where the format does not go with the shape.
// Its cache needs KvByte(shape) for each position besides.
std::optional<double> RequiredByte(const ModelShape& shape, std::string_view format);

// Layer 0 of such a model alone.
struct LoadedLayer {
  Layer layer;
  const float* rope_factors = nullptr;  // [rope_dim / 2] or null
  std::shared_ptr<const void> storage;
  std::string error;
};
LoadedLayer MakeRandomLayer(const ModelShape& shape, std::string_view format, uint64_t seed,
                            ThreadPool& pool);

// Of the block that is measured, and of the one that tools/coreml_package --block packs.
constexpr uint64_t kBertBlockSeed = 21;

// BERT's block with all matrices in one format.
struct LoadedBertLayer {
  BertLayer layer;
  std::shared_ptr<const void> storage;
  std::string error;
};
LoadedBertLayer MakeRandomBertLayer(const ModelShape& shape, std::string_view format, uint64_t seed,
                                    ThreadPool& pool);

}  // namespace wattline::kernels
