#include "kernels/model/mlx_writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "kernels/float16.h"
#include "kernels/model/mlx_blocks.h"
#include "kernels/model/mlx_module.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {
namespace {

using OrderedJson = nlohmann::ordered_json;
using Sink = std::function<void(std::string_view)>;

// Of norms beside weights of this format: that of the activations.
Format NormFormat(Format weights) {
  if (!IsQuantised(weights)) return weights;
  const std::optional<MlxPacking> packing = PackingOf(weights);
  return packing && !packing->HasBiases() ? Format::kBF16 : Format::kF16;
}

const char* Dtype(Format dense) {
  if (dense == Format::kF32) return "F32";
  return dense == Format::kBF16 ? "BF16" : "F16";
}

// What cannot be said in such a folder; or empty.
std::string WhyNotWritten(const Model& model) {
  const ModelShape& s = model.shape;
  const Format format = model.token_embd.format;
  const std::optional<MlxPacking> packing = PackingOf(format);
  if (IsQuantised(format) && (!packing || FormatOf(*packing) != format)) {
    return fmt::format("MLX has no packing whose groups are blocks of {}", Info(format).name);
  }
  for (const TensorSpec& spec : LlamaTensors(s)) {
    const Matrix m = TensorAt(spec, model);
    if (IsNorm(spec.role) || m.format == format) continue;
    return fmt::format("{} is {} and token_embd {}; a folder has one format", spec.name,
                       Info(m.format).name, Info(format).name);
  }
  if (s.rope_dim != s.head_dim) {
    return fmt::format("rope_dim is {}, but mlx_lm's Llama turns whole heads of {}", s.rope_dim,
                       s.head_dim);
  }
  if (model.rope_factors != nullptr && !s.llama3_rope) {
    return "its RoPE factors come without the law that made them";
  }
  return {};
}

std::string Config(const Model& model) {
  const ModelShape& s = model.shape;
  OrderedJson json = {{"model_type", "llama"},
                      {"architectures", OrderedJson::array({"LlamaForCausalLM"})},
                      {"hidden_size", s.model_dim},
                      {"num_hidden_layers", s.layers},
                      {"intermediate_size", s.ffn_dim},
                      {"num_attention_heads", s.heads},
                      {"num_key_value_heads", s.kv_heads},
                      {"head_dim", s.head_dim},
                      {"vocab_size", s.vocab},
                      {"max_position_embeddings", s.context},
                      {"rms_norm_eps", s.rms_eps},
                      {"rope_theta", s.rope_base},
                      {"hidden_act", "silu"},
                      {"attention_bias", false},
                      {"mlp_bias", false},
                      {"tie_word_embeddings", s.tied_output}};
  if (s.rope_layout == RopeLayout::kAdjacent) json["rope_traditional"] = true;
  if (s.llama3_rope) {
    const Llama3Rope& rope = *s.llama3_rope;
    json["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", rope.factor},
                            {"low_freq_factor", rope.low},
                            {"high_freq_factor", rope.high},
                            {"original_max_position_embeddings", rope.original_context}};
  }
  if (const std::optional<MlxPacking> packing = PackingOf(model.token_embd.format)) {
    json["quantization"] = {
        {"group_size", packing->group}, {"bits", packing->bits}, {"mode", packing->mode}};
  }
  return json.dump(2) + "\n";
}

// The arrays of one tensor: dtype, shape and bytes of each, in the order of the file.
struct Array {
  std::string name;
  const char* dtype;
  std::vector<int64_t> shape;
  int64_t byte;
};
std::vector<Array> ArraysOf(const TensorSpec& spec, Format format) {
  const std::string module = MlxModule(spec);
  const std::optional<MlxPacking> packing = PackingOf(format);
  if (IsNorm(spec.role)) {
    const Format norm = NormFormat(format);
    return {{module + ".weight", Dtype(norm), {spec.cols}, RowByte(norm, spec.cols)}};
  }
  if (!packing) {
    return {{module + ".weight",
             Dtype(format),
             {spec.rows, spec.cols},
             spec.rows * RowByte(format, spec.cols)}};
  }
  const int64_t words = spec.cols * packing->bits / 32, groups = spec.cols / packing->group;
  const char* type = packing->HasBiases() ? "F16" : "U8";
  const int64_t byte = spec.rows * groups * packing->ScaleByte();
  std::vector<Array> arrays = {
      {module + ".weight", "U32", {spec.rows, words}, spec.rows * words * 4},
      {module + ".scales", type, {spec.rows, groups}, byte}};
  if (packing->HasBiases()) {
    arrays.push_back({module + ".biases", type, {spec.rows, groups}, byte});
  }
  return arrays;
}

std::string_view View(const void* data, int64_t byte) {
  return {static_cast<const char*>(data), static_cast<size_t>(byte)};
}

void PutNorm(const float* norm, int64_t count, Format format, const Sink& sink) {
  if (format == Format::kF32) return sink(View(norm, count * 4));
  std::vector<uint16_t> rounded(static_cast<size_t>(count));
  for (size_t i = 0; i < rounded.size(); ++i) {
    rounded[i] = format == Format::kBF16 ? Bf16FromFloat(norm[i]) : F16FromFloat(norm[i]);
  }
  sink(View(rounded.data(), count * 2));
}

void PutData(const TensorSpec& spec, const Model& model, Format format, const Sink& sink) {
  const Matrix m = TensorAt(spec, model);
  if (IsNorm(spec.role)) {
    return PutNorm(reinterpret_cast<const float*>(m.data), spec.cols, NormFormat(format), sink);
  }
  if (!IsQuantised(format)) return sink(View(m.data, m.Byte()));
  std::vector<std::vector<std::byte>> arrays;
  for (const Array& array : ArraysOf(spec, format)) {
    arrays.emplace_back(static_cast<size_t>(array.byte));
  }
  UnpackBlocks(
      format, m.rows * m.cols / Info(format).block_elements, m.data,
      {arrays[0].data(), arrays[1].data(), arrays.size() < 3 ? nullptr : arrays[2].data()});
  for (const auto& array : arrays) sink(View(array.data(), std::ssize(array)));
}

void PutWeights(const Model& model, const Sink& sink) {
  const Format format = model.token_embd.format;
  const std::vector<TensorSpec> specs = LlamaTensors(model.shape);
  OrderedJson header = {{"__metadata__", {{"format", "mlx"}}}};
  int64_t at = 0;
  for (const TensorSpec& spec : specs) {
    for (const Array& array : ArraysOf(spec, format)) {
      header[array.name] = {{"dtype", array.dtype},
                            {"shape", array.shape},
                            {"data_offsets", OrderedJson::array({at, at + array.byte})}};
      at += array.byte;
    }
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t byte = text.size();
  sink(View(&byte, sizeof byte));
  sink(text);
  for (const TensorSpec& spec : specs) PutData(spec, model, format, sink);
}

std::string WriteWhole(const std::filesystem::path& path,
                       const std::function<void(const Sink&)>& put) {
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), getpid());
  errno = 0;
  std::ofstream file(temporary, std::ios::binary);
  put([&file](std::string_view bytes) {
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  });
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(temporary, path, error);
    return error ? fmt::format("{}: cannot write it: {}", path.string(), error.message())
                 : std::string();
  }
  const std::string reason = std::strerror(errno);
  std::filesystem::remove(temporary, error);
  return fmt::format("{}: cannot write it: {}", path.string(), reason);
}

}  // namespace

MlxFiles MlxFilesOf(const Model& model) {
  MlxFiles files;
  files.error = WhyNotWritten(model);
  if (!files.error.empty()) return files;
  files.config = Config(model);
  PutWeights(model, [&files](std::string_view bytes) { files.weights += bytes; });
  return files;
}

std::string WriteMlxFolder(const Model& model, const std::string& folder) {
  if (const std::string why_not = WhyNotWritten(model); !why_not.empty()) return why_not;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fmt::format("{}: cannot make the folder: {}", folder, error.message());
  const std::filesystem::path path(folder);
  std::string fault = WriteWhole(path / "model.safetensors",
                                 [&model](const Sink& sink) { PutWeights(model, sink); });
  if (!fault.empty()) return fault;
  return WriteWhole(path / "config.json", [&model](const Sink& sink) { sink(Config(model)); });
}

}  // namespace wattline::kernels
