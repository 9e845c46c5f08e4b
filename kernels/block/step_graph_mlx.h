// The forward pass of a block as a function of its weights, for MLX to differentiate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <mlx/mlx.h>

#include "kernels/block/block.h"
#include "kernels/block/llama_mlx.h"

namespace wattline::kernels {

using MlxArrays = std::vector<mlx::core::array>;

// What is noted while the graph is made; each in the order of the block's matrices.
struct MlxTaps {
  MlxArrays deltas;  // added to what each matrix yields; empty: nothing is
  MlxArrays inputs;  // what meets each matrix, [1, tokens, cols]
  MlxArrays qkv;     // as attention takes them: [1, heads or kv_heads, tokens, head_dim]
  MlxArrays saved;   // all that a backward pass needs beside x and the weights, each once
};

class MlxStepGraph {
 public:
  // Copies the weights, vectors rounded to `type`, the matrices' own. Throws what MLX throws.
  MlxStepGraph(const BlockCase& c, mlx::core::Dtype type);

  // Norms and biases, then matrices: as StepWork::Tensors has their gradients.
  const std::vector<std::string_view>& names() const { return names_; }
  const MlxArrays& weights() const { return weights_; }
  // How many of them are no matrices.
  size_t vectors() const { return vectors_; }

  // The graph of y[1, tokens, model_dim], from weights as above and x of that shape. `taps` may be
  // null.
  mlx::core::array Forward(const MlxArrays& weights, const mlx::core::array& x,
                           MlxTaps* taps) const;
  // [1, heads, tokens, head_dim] from Q, K and V.
  mlx::core::array Attention(const MlxArrays& qkv) const;

 private:
  class Pass;
  void AddLlama(const Layer& layer, mlx::core::Dtype type);
  void AddBert(const BertLayer& layer, mlx::core::Dtype type);
  void AddVector(std::string_view name, const float* values, int64_t count, mlx::core::Dtype type);
  void AddMatrix(std::string_view name, const Matrix& matrix);
  mlx::core::array LlamaForward(const mlx::core::array& x, Pass& pass) const;
  mlx::core::array BertForward(const mlx::core::array& x, Pass& pass) const;

  const ModelShape shape_;
  const bool is_llama_;
  const LlamaMlx llama_;  // its RoPE and its norm
  std::vector<std::string_view> names_;
  MlxArrays weights_;
  size_t vectors_ = 0;
};

}  // namespace wattline::kernels
