// The tensors of a Llama decoder: their names in a GGUF file, their shapes, their place in Model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/model/model.h"

namespace wattline::kernels {

enum class TensorRole : uint8_t {
  kTokenEmbd,
  kAttnNorm,
  kAttnQ,
  kAttnK,
  kAttnV,
  kAttnOutput,
  kFfnNorm,
  kFfnGate,
  kFfnUp,
  kFfnDown,
  kOutputNorm,
  kOutput,
};

// A norm is [1, model_dim]; a file writes it with one dimension.
struct TensorSpec {
  TensorRole role = TensorRole::kTokenEmbd;
  int64_t layer = 0;  // of the roles inside a layer
  int64_t rows = 0;
  int64_t cols = 0;
  std::string name;  // "blk.3.attn_q.weight"
};

constexpr bool IsNorm(TensorRole role) {
  return role == TensorRole::kAttnNorm || role == TensorRole::kFfnNorm ||
         role == TensorRole::kOutputNorm;
}

// All tensors in the order of a file; no output matrix where it is tied.
std::vector<TensorSpec> LlamaTensors(const ModelShape& s);
// Those of one layer.
std::vector<TensorSpec> LayerTensors(const ModelShape& s, int64_t layer);

// Puts a tensor into its place of the model, whose `layers` has its full length; norms are f32.
void PlaceTensor(const TensorSpec& spec, Format format, const std::byte* data, Model& model);
void PlaceLayerTensor(const TensorSpec& spec, Format format, const std::byte* data, Layer& layer);
// The tensor at that place; norms as f32 matrices [1, model_dim].
Matrix TensorAt(const TensorSpec& spec, const Model& model);

// One format for each tensor, or why the name of a format or mix does not go with these tensors.
struct FormatPlan {
  std::vector<Format> formats;
  std::string error;
};

// `format` is a Format's name, all matrices alike, or "q4_k_m": q4_k with q6_k where llama.cpp's
// quantiser (llama-quant.cpp, LLAMA_FTYPE_MOSTLY_Q4_K_M) has it: the output matrix (or the tied
// table), and attn_v and ffn_down of the first and last eighth and of every third layer between.
// A matrix whose cols are no multiple of 256 takes q8_0 in place of a K-quant (llama.cpp: q5_0,
// q5_1 or q8_0, of which only the last is supported here). Norms are f32.
FormatPlan PlanFormats(const std::vector<TensorSpec>& tensors, const ModelShape& s,
                       std::string_view format);

}  // namespace wattline::kernels
