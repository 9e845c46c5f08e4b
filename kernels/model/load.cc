#include "kernels/model/load.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <new>
#include <optional>
#include <unordered_map>
#include <vector>

#include "kernels/float16.h"
#include "kernels/model/gguf.h"
#include "kernels/model/gguf_keys.h"
#include "kernels/model/load_name.h"
#include "kernels/model/mapped_file.h"
#include "kernels/model/mlx_load.h"
#include "kernels/model/shapes.h"
#include "kernels/model/tensors.h"

namespace wattline::kernels {
namespace {

using TensorMap = std::unordered_map<std::string_view, const GgufTensor*>;

// What the model keeps alive: the file, and the small tensors that were converted to f32.
struct FileStorage {
  std::shared_ptr<const void> bytes;
  std::vector<std::vector<float>> floats;
};

// What RoPE does to positions: divided by `divisor`; a "llama3" file must bring its factors.
struct RopeScaling {
  double divisor = 1.0;
  bool needs_factors = false;
  std::string error;
};

RopeScaling ReadRopeScaling(GgufKeys& keys, const std::string& source) {
  RopeScaling scaling;
  // Without a type, a factor is linear, as in llama.cpp; rope.scale_linear is the key's old name.
  const std::string_view type = keys.MaybeText("llama.rope.scaling.type").value_or("linear");
  std::optional<double> factor = keys.MaybeReal("llama.rope.scaling.factor");
  if (!factor) factor = keys.MaybeReal("llama.rope.scale_linear");
  scaling.needs_factors = type == "llama3";
  if (type != "linear" && type != "none" && type != "llama3") {
    scaling.error = fmt::format(
        "{}: key 'llama.rope.scaling.type' is {}; supported: none, linear, "
        "llama3",
        source, Quoted(type));
  } else if (type == "linear" && factor && *factor != 0.0) {
    scaling.divisor = *factor;
    if (!(*factor >= 1e-3 && *factor <= 1e6)) {
      scaling.error = fmt::format(
          "{}: key 'llama.rope.scaling.factor' is {}, but must be 0.001 to "
          "1e6",
          source, *factor);
    }
  }
  return scaling;
}

class GgufLoader {
 public:
  GgufLoader(GgufFile& file, std::shared_ptr<const void> storage) : file_(file), keys_(file) {
    storage_->bytes = std::move(storage);
  }

  LoadedModel Load() {
    const bool good = CheckArchitecture() && Accept(LocateTensors(file_)) && ReadShape() &&
                      CheckVocab() && PlaceTensors() && CheckForeignTensors() && PlaceRopeFactors();
    if (!good) return {nullptr, error_};
    NameModel();
    if (!Accept(keys_.error())) return {nullptr, error_};
    model_->storage = storage_;
    return {model_, {}};
  }

 private:
  bool Accept(std::string error) {
    error_ = std::move(error);
    return error_.empty();
  }
  bool Fail(const std::string& what) { return Accept(fmt::format("{}: {}", file_.source, what)); }
  bool FailTensor(std::string_view name, const std::string& what) {
    return Fail(fmt::format("tensor {} {}", Quoted(name), what));
  }

  const GgufTensor* FindTensor(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : found->second;
  }

  bool CheckArchitecture() {
    const auto architecture = keys_.MaybeText("general.architecture");
    if (!Accept(keys_.error())) return false;
    if (!architecture) return Fail("key 'general.architecture' is missing; is this a whole model?");
    if (*architecture != "llama") {
      return Fail(fmt::format("its architecture is {}; supported: llama", Quoted(*architecture)));
    }
    const int64_t experts = keys_.MaybeCount("llama.expert_count").value_or(0);
    if (experts > 0) {
      return Fail(
          fmt::format("key 'llama.expert_count' is {}; mixtures of experts are not "
                      "supported, only dense models",
                      experts));
    }
    for (const GgufTensor& tensor : file_.tensors) tensors_.emplace(tensor.name, &tensor);
    return Accept(keys_.error());
  }

  bool ReadShape() {
    ModelShape& s = model_->shape;
    s.layers = keys_.Count("llama.block_count");
    s.model_dim = keys_.Count("llama.embedding_length");
    s.ffn_dim = keys_.Count("llama.feed_forward_length");
    s.context = keys_.Count("llama.context_length");
    s.heads = keys_.Count("llama.attention.head_count");
    s.kv_heads = keys_.MaybeCount("llama.attention.head_count_kv").value_or(s.heads);
    const std::optional<double> eps = keys_.MaybeReal("llama.attention.layer_norm_rms_epsilon");
    s.rope_base = keys_.MaybeReal("llama.rope.freq_base").value_or(10000.0);
    const std::optional<int64_t> head_dim = keys_.MaybeCount("llama.attention.key_length");
    const std::optional<int64_t> value_dim = keys_.MaybeCount("llama.attention.value_length");
    const std::optional<int64_t> rope_dim = keys_.MaybeCount("llama.rope.dimension_count");
    if (!Accept(keys_.error())) return false;
    if (!eps) return Fail("key 'llama.attention.layer_norm_rms_epsilon' is missing");
    s.rms_eps = *eps;
    if (!head_dim && s.heads > 0 && s.model_dim % s.heads != 0) {
      return Fail(
          fmt::format("embedding_length, {}, is no multiple of attention.head_count, {}, and "
                      "there is no attention.key_length",
                      s.model_dim, s.heads));
    }
    s.head_dim = head_dim ? *head_dim : (s.heads > 0 ? s.model_dim / s.heads : 0);
    if (value_dim && *value_dim != s.head_dim) {
      return Fail(
          fmt::format("key 'llama.attention.value_length' is {}, but must equal key_length, "
                      "{}",
                      *value_dim, s.head_dim));
    }
    s.rope_dim = rope_dim.value_or(s.head_dim);
    const GgufTensor* table = FindTensor("token_embd.weight");
    if (table == nullptr) return Fail("tensor 'token_embd.weight' is missing");
    s.vocab = table->ne[1];
    s.tied_output = FindTensor("output.weight") == nullptr;
    const std::string error = ShapeError(s);
    return error.empty() ? true : Fail(error);
  }

  bool CheckVocab() {
    const auto tokens = keys_.MaybeTexts("tokenizer.ggml.tokens");
    if (tokens && *tokens != model_->shape.vocab) {
      return Fail(
          fmt::format("key 'tokenizer.ggml.tokens' has {} entries, but token_embd.weight has "
                      "{} rows",
                      *tokens, model_->shape.vocab));
    }
    return true;
  }

  bool PlaceTensors() {
    model_->layers.resize(static_cast<size_t>(model_->shape.layers));
    for (const TensorSpec& spec : LlamaTensors(model_->shape)) {
      const GgufTensor* tensor = FindTensor(spec.name);
      if (tensor == nullptr) return Fail(fmt::format("tensor '{}' is missing", spec.name));
      if (tensor->ne != std::array<int64_t, 4>{spec.cols, spec.rows, 1, 1}) {
        return FailTensor(spec.name,
                          fmt::format("is {} x {} x {} x {}, but by the metadata it must "
                                      "be {} x {}",
                                      tensor->ne[0], tensor->ne[1], tensor->ne[2], tensor->ne[3],
                                      spec.cols, spec.rows));
      }
      if (IsNorm(spec.role)) {
        const float* norm = Floats(*tensor);
        if (norm == nullptr) return false;
        PlaceTensor(spec, Format::kF32, reinterpret_cast<const std::byte*>(norm), *model_);
      } else {
        PlaceTensor(spec, tensor->format, tensor->data.data(), *model_);
      }
      tensors_.erase(spec.name);
    }
    return true;
  }

  // What is left of tensors_ would change the result and cannot be computed here.
  bool CheckForeignTensors() {
    for (const GgufTensor& tensor : file_.tensors) {
      // attn_rot_embd repeats what rope.freq_base says; old converters wrote it.
      if (!tensors_.contains(tensor.name) || tensor.name == "rope_freqs.weight" ||
          tensor.name.ends_with(".attn_rot_embd") || tensor.name.ends_with(".rope_freqs")) {
        continue;
      }
      if (tensor.name.ends_with(".bias")) {
        return FailTensor(tensor.name, "is a bias; only Llama models without biases are supported");
      }
      if (tensor.name.find("_exps") != std::string_view::npos ||
          tensor.name.find("ffn_gate_inp") != std::string_view::npos) {
        return FailTensor(tensor.name,
                          "belongs to a mixture of experts; only dense models are "
                          "supported");
      }
      return FailTensor(tensor.name, "is no part of a Llama model with this block_count");
    }
    return true;
  }

  bool PlaceRopeFactors() {
    const RopeScaling scaling = ReadRopeScaling(keys_, file_.source);
    if (!Accept(scaling.error)) return false;
    const GgufTensor* tensor = FindTensor("rope_freqs.weight");
    const int64_t pairs = model_->shape.rope_dim / 2;
    if (tensor == nullptr) {
      if (scaling.needs_factors) {
        return Fail(
            "key 'llama.rope.scaling.type' is 'llama3', but tensor 'rope_freqs.weight' is "
            "missing");
      }
      if (scaling.divisor == 1.0) return true;
      storage_->floats.emplace_back(static_cast<size_t>(pairs),
                                    static_cast<float>(scaling.divisor));
      model_->rope_factors = storage_->floats.back().data();
      return true;
    }
    if (tensor->ne != std::array<int64_t, 4>{pairs, 1, 1, 1}) {
      return FailTensor(tensor->name,
                        fmt::format("has {} x {} elements, but must have rope_dim / 2, "
                                    "{}",
                                    tensor->ne[0], tensor->ne[1], pairs));
    }
    if (Floats(*tensor) == nullptr) return false;
    for (float& factor : storage_->floats.back()) {
      if (!(factor >= 1e-6f && factor <= 1e6f)) {
        return FailTensor(tensor->name, fmt::format("has the element {}, but a factor must be 1e-6 "
                                                    "to 1e6",
                                                    factor));
      }
      factor *= static_cast<float>(scaling.divisor);
    }
    model_->rope_factors = storage_->floats.back().data();
    return true;
  }

  // A copy of a small tensor as finite f32, owned by the storage; null after a failure.
  const float* Floats(const GgufTensor& tensor) {
    if (IsQuantised(tensor.format)) {
      FailTensor(tensor.name, fmt::format("has type {}, but must be F32, F16 or BF16",
                                          Info(tensor.format).name));
      return nullptr;
    }
    std::vector<float> values(static_cast<size_t>(tensor.ne[0]));
    for (size_t i = 0; i < values.size(); ++i) {
      if (tensor.format == Format::kF32) {
        std::memcpy(&values[i], tensor.data.data() + i * sizeof(float), sizeof(float));
      } else {
        uint16_t bits = 0;
        std::memcpy(&bits, tensor.data.data() + i * sizeof(bits), sizeof(bits));
        values[i] = tensor.format == Format::kF16 ? FloatFromF16(bits) : FloatFromBf16(bits);
      }
      if (!std::isfinite(values[i])) {
        FailTensor(tensor.name, fmt::format("has the element {} at place {}; the file is damaged",
                                            values[i], i));
        return nullptr;
      }
    }
    storage_->floats.push_back(std::move(values));
    return storage_->floats.back().data();
  }

  void NameModel() {
    model_->shape.name = ModelName(keys_, file_.source);
    model_->format = FormatName(keys_, file_);
  }

  GgufFile& file_;
  GgufKeys keys_;
  TensorMap tensors_;
  std::shared_ptr<FileStorage> storage_ = std::make_shared<FileStorage>();
  std::shared_ptr<Model> model_ = std::make_shared<Model>();
  std::string error_;
};

}  // namespace

LoadedModel LoadModelFromMemory(std::span<const std::byte> bytes, const std::string& source,
                                std::shared_ptr<const void> storage) {
  try {
    ParsedGguf parsed = ParseGguf(bytes, source);
    if (!parsed.error.empty()) return {nullptr, std::move(parsed.error)};
    return GgufLoader(parsed.file, std::move(storage)).Load();
  } catch (const std::bad_alloc&) {
    return {nullptr, fmt::format("{}: there is no memory left to read it", source)};
  }
}

LoadedModel LoadModel(const std::string& path) {
  if (IsMlxModel(path)) return LoadMlxModel(path);
  MappedFile mapped = MapFile(path);
  if (!mapped.error.empty()) return {nullptr, std::move(mapped.error)};
  LoadedModel loaded = LoadModelFromMemory(mapped.bytes, path, std::move(mapped.storage));
  if (loaded.model) loaded.model->is_mapped = true;
  return loaded;
}

}  // namespace wattline::kernels
