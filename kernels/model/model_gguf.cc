#include <fmt/format.h>

#include <array>
#include <cassert>
#include <optional>
#include <utility>

#include "kernels/model/gguf_writer.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {
namespace {

// llama.h, enum llama_ftype. Pure q4_k and q5_k files have no code of their own: 14 to 17 are
// mixes.
std::optional<uint32_t> FileType(std::string_view format) {
  constexpr std::pair<std::string_view, uint32_t> kCodes[] = {
      {"f32", 0},     {"f16", 1},     {"q4_0", 2},    {"q4_1", 3},  {"q8_0", 7}, {"q4_k_s", 14},
      {"q4_k_m", 15}, {"q5_k_s", 16}, {"q5_k_m", 17}, {"q6_k", 18}, {"bf16", 32}};
  for (const auto& [name, code] : kCodes) {
    if (name == format) return code;
  }
  return std::nullopt;
}

void AddShape(const ModelShape& s, GgufWriter& writer) {
  const auto u32 = [&writer](const char* key, int64_t value) {
    writer.AddU32(key, static_cast<uint32_t>(value));
  };
  u32("llama.vocab_size", s.vocab);
  u32("llama.context_length", s.context);
  u32("llama.embedding_length", s.model_dim);
  u32("llama.block_count", s.layers);
  u32("llama.feed_forward_length", s.ffn_dim);
  u32("llama.attention.head_count", s.heads);
  u32("llama.attention.head_count_kv", s.kv_heads);
  u32("llama.attention.key_length", s.head_dim);
  u32("llama.attention.value_length", s.head_dim);
  u32("llama.rope.dimension_count", s.rope_dim);
  writer.AddF32("llama.rope.freq_base", static_cast<float>(s.rope_base));
  writer.AddF32("llama.attention.layer_norm_rms_epsilon", static_cast<float>(s.rms_eps));
}

// A vocabulary in the manner of SentencePiece; token types as in llama.h, enum llama_token_type.
void AddVocabulary(int64_t vocab, GgufWriter& writer) {
  constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;
  constexpr int64_t kSpecial = 3, kBytes = 256;
  constexpr std::array<const char*, 3> kNames = {"<unk>", "<s>", "</s>"};
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (int64_t id = 0; id < vocab; ++id) {
    if (id < kSpecial) {
      tokens.emplace_back(kNames[static_cast<size_t>(id)]);
      types.push_back(id == 0 ? kUnknown : kControl);
    } else if (id < kSpecial + kBytes) {
      tokens.push_back(fmt::format("<0x{:02X}>", id - kSpecial));
      types.push_back(kByte);
    } else {
      tokens.push_back(fmt::format("t{}", id));
      types.push_back(kNormal);
    }
    scores.push_back(id < kSpecial + kBytes ? 0.0f : -static_cast<float>(id));
  }
  writer.AddText("tokenizer.ggml.model", "llama");
  writer.AddTexts("tokenizer.ggml.tokens", tokens);
  writer.AddFloats("tokenizer.ggml.scores", scores);
  writer.AddInts("tokenizer.ggml.token_type", types);
  writer.AddU32("tokenizer.ggml.unknown_token_id", 0);
  writer.AddU32("tokenizer.ggml.bos_token_id", 1);
  writer.AddU32("tokenizer.ggml.eos_token_id", 2);
}

}  // namespace

GgufWriter ModelGguf(const Model& model) {
  GgufWriter writer;
  writer.AddText("general.architecture", "llama");
  writer.AddText("general.name", model.shape.name);
  if (const auto file_type = FileType(model.format)) writer.AddU32("general.file_type", *file_type);
  writer.AddU32("general.quantization_version", 2);
  AddShape(model.shape, writer);
  AddVocabulary(model.shape.vocab, writer);
  for (const TensorSpec& spec : LlamaTensors(model.shape)) {
    const Matrix matrix = TensorAt(spec, model);
    const int64_t ne[] = {spec.cols, spec.rows};
    assert(Info(matrix.format).gguf_type);
    writer.AddTensor(spec.name, {ne, IsNorm(spec.role) ? 1u : 2u}, *Info(matrix.format).gguf_type,
                     {matrix.data, static_cast<size_t>(matrix.Byte())});
  }
  if (model.rope_factors != nullptr) {
    const int64_t ne[] = {model.shape.rope_dim / 2};
    writer.AddTensor("rope_freqs.weight", ne, *Info(Format::kF32).gguf_type,
                     {reinterpret_cast<const std::byte*>(model.rope_factors),
                      static_cast<size_t>(ne[0]) * sizeof(float)});
  }
  return writer;
}

}  // namespace wattline::kernels
