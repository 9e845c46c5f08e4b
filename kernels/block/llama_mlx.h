// One Llama layer as a graph of MLX's operations.
#pragma once

#include <cstdint>
#include <optional>

#include <mlx/mlx.h>

#include "kernels/linear/weights_mlx.h"
#include "kernels/model/model.h"

namespace wattline::kernels {

// A layer's weights, copied to MLX. Norm weights are in the type of the activations.
struct MlxLayer {
  MlxLayer(const ModelShape& shape, const Layer& layer, mlx::core::Dtype activations);

  mlx::core::array attn_norm, ffn_norm;
  MlxWeights attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down;
};

// K and V of one layer: [sequences, kv_heads, capacity, head_dim].
struct MlxCache {
  mlx::core::array k, v;
};
// `sequences` x `capacity` positions of zeros.
MlxCache MakeMlxCache(const ModelShape& shape, int64_t sequences, int64_t capacity,
                      mlx::core::Dtype type);
// The same, its first `length` positions random as those of every backend (kv_cache.h).
MlxCache RandomMlxCache(const ModelShape& shape, int64_t layer, int64_t sequences, int64_t capacity,
                        int64_t length, uint64_t seed, mlx::core::Dtype type);

class LlamaMlx {
 public:
  LlamaMlx(const ModelShape& shape, const float* rope_factors);

  // The graph of y[sequences, count, model_dim] = layer(x), x's tokens at positions start and on;
  // `cache` becomes the graph of the cache with their K and V in it. MLX writes them in place as
  // long as nothing else holds the cache.
  mlx::core::array Run(const MlxLayer& layer, const mlx::core::array& x, int64_t start,
                       MlxCache& cache) const;
  mlx::core::array Norm(const mlx::core::array& x, const mlx::core::array& weight) const;
  // x[sequences, heads, count, head_dim], its tokens at positions start and on.
  mlx::core::array Rope(const mlx::core::array& x, int64_t start) const;

 private:
  ModelShape shape_;
  std::optional<mlx::core::array> wavelengths_;  // per pair, where the model stretches them
};

}  // namespace wattline::kernels
