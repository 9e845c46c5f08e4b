#include "kernels/encode/bert_tensors.h"

#include <fmt/format.h>

namespace wattline::kernels {
namespace {

// The names are those of modeling_bert.py of Hugging Face transformers.
class Tensors {
 public:
  void Add(const std::string& name, const Matrix& m) {
    all.push_back({name + ".weight", m.format, m.rows, m.cols, m.data});
  }
  void Add(const std::string& name, const float* values, int64_t count) {
    all.push_back({name, Format::kF32, 0, count, reinterpret_cast<const std::byte*>(values)});
  }
  void AddAffine(const std::string& name, const Matrix& m, const float* bias) {
    Add(name, m);
    Add(name + ".bias", bias, m.rows);
  }
  void AddNorm(const std::string& name, const float* weight, const float* bias, int64_t dim) {
    Add(name + ".weight", weight, dim);
    Add(name + ".bias", bias, dim);
  }
  void AddLayer(size_t index, const BertLayer& l) {
    const int64_t dim = l.attn_q.cols;
    const std::string layer = fmt::format("encoder.layer.{}.", index);
    AddAffine(layer + "attention.self.query", l.attn_q, l.attn_q_bias);
    AddAffine(layer + "attention.self.key", l.attn_k, l.attn_k_bias);
    AddAffine(layer + "attention.self.value", l.attn_v, l.attn_v_bias);
    AddAffine(layer + "attention.output.dense", l.attn_output, l.attn_output_bias);
    AddNorm(layer + "attention.output.LayerNorm", l.attn_norm, l.attn_norm_bias, dim);
    AddAffine(layer + "intermediate.dense", l.ffn_up, l.ffn_up_bias);
    AddAffine(layer + "output.dense", l.ffn_down, l.ffn_down_bias);
    AddNorm(layer + "output.LayerNorm", l.ffn_norm, l.ffn_norm_bias, dim);
  }

  std::vector<BertTensor> all;
};

}  // namespace

std::vector<BertTensor> TensorsOf(const BertModel& model) {
  const int64_t dim = model.shape.model_dim;
  Tensors tensors;
  tensors.Add("embeddings.word_embeddings", model.token_embd);
  tensors.Add("embeddings.position_embeddings", model.position_embd);
  tensors.Add("embeddings.token_type_embeddings", model.segment_embd);
  tensors.AddNorm("embeddings.LayerNorm", model.embd_norm, model.embd_norm_bias, dim);
  for (size_t i = 0; i < model.layers.size(); ++i) tensors.AddLayer(i, model.layers[i]);
  tensors.AddAffine("pooler.dense", model.pooler, model.pooler_bias);
  return tensors.all;
}

std::vector<BertTensor> TensorsOf(const BertLayer& layer) {
  Tensors tensors;
  tensors.AddLayer(0, layer);
  return tensors.all;
}

}  // namespace wattline::kernels
