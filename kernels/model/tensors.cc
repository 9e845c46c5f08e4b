#include "kernels/model/tensors.h"

#include <fmt/format.h>

#include <cassert>

namespace wattline::kernels {
namespace {

// llama.cpp's use_more_bits.
bool UsesMoreBits(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

Format Q4KM(const TensorSpec& spec, const ModelShape& s) {
  switch (spec.role) {
    case TensorRole::kOutput:
      return Format::kQ6_K;
    case TensorRole::kTokenEmbd:
      return s.tied_output ? Format::kQ6_K : Format::kQ4_K;
    case TensorRole::kAttnV:
    case TensorRole::kFfnDown:
      return UsesMoreBits(spec.layer, s.layers) ? Format::kQ6_K : Format::kQ4_K;
    default:
      return Format::kQ4_K;
  }
}

// The matrix of a role inside a layer; null for the others.
Matrix* LayerMatrix(TensorRole role, Layer& layer) {
  switch (role) {
    case TensorRole::kAttnQ:
      return &layer.attn_q;
    case TensorRole::kAttnK:
      return &layer.attn_k;
    case TensorRole::kAttnV:
      return &layer.attn_v;
    case TensorRole::kAttnOutput:
      return &layer.attn_output;
    case TensorRole::kFfnGate:
      return &layer.ffn_gate;
    case TensorRole::kFfnUp:
      return &layer.ffn_up;
    case TensorRole::kFfnDown:
      return &layer.ffn_down;
    default:
      return nullptr;
  }
}

Matrix NormMatrix(const float* norm, int64_t cols) {
  return {Format::kF32, 1, cols, reinterpret_cast<const std::byte*>(norm)};
}

}  // namespace

std::vector<TensorSpec> LayerTensors(const ModelShape& s, int64_t layer) {
  const int64_t q_rows = s.heads * s.head_dim;
  const int64_t kv_rows = s.kv_heads * s.head_dim;
  std::vector<TensorSpec> tensors;
  const auto add = [&](TensorRole role, int64_t rows, int64_t cols, const char* name) {
    tensors.push_back({role, layer, rows, cols, fmt::format("blk.{}.{}.weight", layer, name)});
  };
  add(TensorRole::kAttnNorm, 1, s.model_dim, "attn_norm");
  add(TensorRole::kAttnQ, q_rows, s.model_dim, "attn_q");
  add(TensorRole::kAttnK, kv_rows, s.model_dim, "attn_k");
  add(TensorRole::kAttnV, kv_rows, s.model_dim, "attn_v");
  add(TensorRole::kAttnOutput, s.model_dim, q_rows, "attn_output");
  add(TensorRole::kFfnNorm, 1, s.model_dim, "ffn_norm");
  add(TensorRole::kFfnGate, s.ffn_dim, s.model_dim, "ffn_gate");
  add(TensorRole::kFfnUp, s.ffn_dim, s.model_dim, "ffn_up");
  add(TensorRole::kFfnDown, s.model_dim, s.ffn_dim, "ffn_down");
  return tensors;
}

std::vector<TensorSpec> LlamaTensors(const ModelShape& s) {
  std::vector<TensorSpec> tensors;
  tensors.push_back({TensorRole::kTokenEmbd, 0, s.vocab, s.model_dim, "token_embd.weight"});
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    for (TensorSpec& spec : LayerTensors(s, layer)) tensors.push_back(std::move(spec));
  }
  tensors.push_back({TensorRole::kOutputNorm, 0, 1, s.model_dim, "output_norm.weight"});
  if (!s.tied_output) {
    tensors.push_back({TensorRole::kOutput, 0, s.vocab, s.model_dim, "output.weight"});
  }
  return tensors;
}

void PlaceLayerTensor(const TensorSpec& spec, Format format, const std::byte* data, Layer& layer) {
  if (Matrix* matrix = LayerMatrix(spec.role, layer)) {
    *matrix = {format, spec.rows, spec.cols, data};
    return;
  }
  assert(format == Format::kF32);
  const auto* norm = reinterpret_cast<const float*>(data);
  (spec.role == TensorRole::kAttnNorm ? layer.attn_norm : layer.ffn_norm) = norm;
}

void PlaceTensor(const TensorSpec& spec, Format format, const std::byte* data, Model& model) {
  const Matrix matrix{format, spec.rows, spec.cols, data};
  switch (spec.role) {
    case TensorRole::kTokenEmbd:
      model.token_embd = matrix;
      if (model.shape.tied_output) model.output = matrix;
      break;
    case TensorRole::kOutput:
      model.output = matrix;
      break;
    case TensorRole::kOutputNorm:
      model.output_norm = reinterpret_cast<const float*>(data);
      break;
    default:
      PlaceLayerTensor(spec, format, data, model.layers[static_cast<size_t>(spec.layer)]);
  }
}

Matrix TensorAt(const TensorSpec& spec, const Model& model) {
  switch (spec.role) {
    case TensorRole::kTokenEmbd:
      return model.token_embd;
    case TensorRole::kOutput:
      return model.output;
    case TensorRole::kOutputNorm:
      return NormMatrix(model.output_norm, spec.cols);
    default:
      break;
  }
  Layer layer = model.layers[static_cast<size_t>(spec.layer)];
  if (const Matrix* matrix = LayerMatrix(spec.role, layer)) return *matrix;
  const float* norm = spec.role == TensorRole::kAttnNorm ? layer.attn_norm : layer.ffn_norm;
  return NormMatrix(norm, spec.cols);
}

FormatPlan PlanFormats(const std::vector<TensorSpec>& tensors, const ModelShape& s,
                       std::string_view format) {
  FormatPlan plan;
  const std::optional<Format> pure = FormatFromName(format);
  if (!pure && format != "q4_k_m") {
    std::string known;
    for (const FormatInfo& info : AllFormats()) known += fmt::format("{}, ", info.name);
    plan.error = fmt::format("weight format '{}' is not known; known: {}q4_k_m", format, known);
    return plan;
  }
  for (const TensorSpec& spec : tensors) {
    Format chosen = pure ? *pure : Q4KM(spec, s);
    if (IsNorm(spec.role)) chosen = Format::kF32;
    if (Info(chosen).block_elements == 256 && spec.cols % 256 != 0) chosen = Format::kQ8_0;
    if (spec.cols % Info(chosen).block_elements != 0) {
      plan.error =
          fmt::format("{} has rows of {} weights, no multiple of the {} in a block of {}",
                      spec.name, spec.cols, Info(chosen).block_elements, Info(chosen).name);
      return plan;
    }
    plan.formats.push_back(chosen);
  }
  return plan;
}

}  // namespace wattline::kernels
