// One BERT block as a graph of MLX's operations.
#pragma once

#include <mlx/mlx.h>

#include "kernels/block/block.h"
#include "kernels/linear/weights_mlx.h"

namespace wattline::kernels {

// y = x W^T + bias, copied to MLX; the bias is in the type of the activations.
struct MlxAffine {
  MlxAffine(const Matrix& matrix, const float* bias_values, mlx::core::Dtype activations);

  MlxWeights w;
  mlx::core::array bias;
};
mlx::core::array TimesAffine(const mlx::core::array& x, const MlxAffine& a);

// A block's weights, copied to MLX. Vectors are in the type of the activations.
struct MlxBertLayer {
  MlxBertLayer(const ModelShape& shape, const BertLayer& layer, mlx::core::Dtype activations);

  MlxAffine attn_q, attn_k, attn_v, attn_output, ffn_up, ffn_down;
  mlx::core::array attn_norm, attn_norm_bias, ffn_norm, ffn_norm_bias;
};

// The graph of y[1, tokens, model_dim] = block(x).
mlx::core::array RunBertMlx(const ModelShape& shape, const MlxBertLayer& layer,
                            const mlx::core::array& x);

}  // namespace wattline::kernels
