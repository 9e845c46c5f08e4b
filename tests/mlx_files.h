// Small models in MLX's files, and the files' parts.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/float16.h"
#include "kernels/model/load.h"
#include "kernels/model/mlx_load.h"
#include "kernels/model/mlx_writer.h"
#include "tests/decoder_fixture.h"

namespace wattline::kernels::mlx_files {

using Json = nlohmann::ordered_json;

// The smallest that groups of 64 divide.
inline ModelShape TinyShape() {
  ModelShape s = SmallShape();
  s.layers = 2;
  s.model_dim = 64;
  s.ffn_dim = 128;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.vocab = 40;
  s.rope_dim = 16;
  s.rope_layout = RopeLayout::kHalves;
  return s;
}

// With norms that f16 and bf16 hold, as the file's are.
inline std::shared_ptr<Model> MakeModel(const ModelShape& shape, const char* format) {
  const std::shared_ptr<Model> model = SmallModel(shape, format);
  auto norms = std::make_shared<std::vector<std::vector<float>>>();
  const auto round = [&](const float*& norm) {
    std::vector<float> rounded(norm, norm + shape.model_dim);
    for (float& x : rounded) x = FloatFromBf16(Bf16FromFloat(x));
    norms->push_back(std::move(rounded));
    norm = norms->back().data();
  };
  for (Layer& layer : model->layers) {
    round(layer.attn_norm);
    round(layer.ffn_norm);
  }
  round(model->output_norm);
  model->storage =
      std::make_shared<std::pair<decltype(model->storage), decltype(norms)>>(model->storage, norms);
  return model;
}

inline std::span<const std::byte> BytesOf(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline LoadedModel LoadTexts(const std::string& config, const std::string& weights) {
  return LoadMlxFromMemory({"config.json", BytesOf(config)},
                           {{"model.safetensors", BytesOf(weights)}});
}

// A file's parts, to be made lies.
struct Parts {
  Json config, header;
  std::string data;

  std::string Weights() const {
    const std::string text = header.dump();
    const uint64_t byte = text.size();
    return std::string(reinterpret_cast<const char*>(&byte), sizeof byte) + text + data;
  }
  LoadedModel Load() const { return LoadTexts(config.dump(), Weights()); }
  Json& At(const char* name) { return header[name]; }
  // The bytes of a tensor.
  char* Data(const char* name) {
    return data.data() + header.at(name).at("data_offsets").at(0).get<size_t>();
  }
};

inline Parts PartsOf(const Model& model) {
  const MlxFiles files = MlxFilesOf(model);
  uint64_t byte = 0;
  std::memcpy(&byte, files.weights.data(), sizeof byte);
  return {Json::parse(files.config), Json::parse(files.weights.substr(8, byte)),
          files.weights.substr(8 + byte)};
}

inline Parts TinyParts() {
  static const std::shared_ptr<Model> model = MakeModel(TinyShape(), "mlx4");
  return PartsOf(*model);
}

}  // namespace wattline::kernels::mlx_files
