// A decoder of the Llama architecture: its shape, its weights, and what they weigh.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/matrix.h"
#include "kernels/norm/norm.h"

namespace wattline::kernels {

// Llama 3.1's stretch of RoPE: wavelengths above original_context / low are divided by `factor`,
// those below original_context / high are kept, those between are blended.
struct Llama3Rope {
  double factor = 1.0;
  double low = 1.0;
  double high = 4.0;
  int64_t original_context = 0;
};

struct ModelShape {
  std::string name;  // as in benchmark names: "llama-3.2-1b"
  int64_t layers = 0;
  int64_t model_dim = 0;
  int64_t ffn_dim = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab = 0;
  int64_t context = 0;   // longest context that the model was made for
  int64_t rope_dim = 0;  // elements of a head that RoPE turns
  double rope_base = 10000.0;
  std::optional<Llama3Rope> llama3_rope;  // a GGUF file has rope_factors instead
  double rms_eps = 1e-5;
  RopeLayout rope_layout = RopeLayout::kAdjacent;
  bool tied_output = false;  // the output projection is the embedding table
};

struct Layer {
  const float* attn_norm = nullptr;  // [model_dim]
  Matrix attn_q;                     // [heads * head_dim, model_dim]
  Matrix attn_k;                     // [kv_heads * head_dim, model_dim]
  Matrix attn_v;                     // [kv_heads * head_dim, model_dim]
  Matrix attn_output;                // [model_dim, heads * head_dim]
  const float* ffn_norm = nullptr;   // [model_dim]
  Matrix ffn_gate;                   // [ffn_dim, model_dim]
  Matrix ffn_up;                     // [ffn_dim, model_dim]
  Matrix ffn_down;                   // [model_dim, ffn_dim]
};

struct Model {
  ModelShape shape;
  std::string format;  // as in benchmark names: "q4_0", or the mix "q4_k_m"
  Matrix token_embd;   // [vocab, model_dim]
  std::vector<Layer> layers;
  const float* output_norm = nullptr;   // [model_dim]
  Matrix output;                        // [vocab, model_dim]; equals token_embd where tied
  const float* rope_factors = nullptr;  // [rope_dim / 2], null: all 1
  std::shared_ptr<const void> storage;  // keeps the bytes alive: buffers or a mapped file
  bool is_mapped = false;               // they are those of a file
};

// A model, or one sentence why there is none.
struct LoadedModel {
  std::shared_ptr<Model> model;
  std::string error;
  std::string note = {};  // what was not exact about reading it; empty: nothing
};

// Parameters of the shape (tied tables once).
double ParameterCount(const ModelShape& s);
// Bytes of all weights, tied tables once.
double WeightByte(const Model& m);
// Bytes of K and V of one position in all layers, f16.
double KvByte(const ModelShape& s);

}  // namespace wattline::kernels
