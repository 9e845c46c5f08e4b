#include "kernels/model/mlx_config.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/model/gguf.h"
#include "kernels/model/shapes.h"

namespace wattline::kernels {
namespace {

using Json = nlohmann::json;

// Typed look-ups in one object; after a failure they return something harmless, and `error` keeps
// the first one's sentence.
class Keys {
 public:
  Keys(const Json& object, std::string prefix, std::string& error)
      : object_(object), prefix_(std::move(prefix)), error_(error) {}

  // Null where the key is missing or null.
  const Json* Find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::optional<int64_t> MaybeCount(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned() && value->get<uint64_t>() <= uint64_t{1} << 48) {
      return value->get<int64_t>();
    }
    return Fail(key, "must be a whole number from 0 to 2^48");
  }
  int64_t Count(const char* key) {
    const std::optional<int64_t> count = MaybeCount(key);
    if (!count) Fail(key, "is missing");
    return count.value_or(0);
  }
  std::optional<double> MaybeReal(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number() && std::isfinite(value->get<double>())) return value->get<double>();
    return Fail(key, "must be a finite number");
  }
  double Real(const char* key) {
    const std::optional<double> real = MaybeReal(key);
    if (!real) Fail(key, "is missing");
    return real.value_or(0);
  }
  std::optional<bool> MaybeFlag(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>();
    return Fail(key, "must be true or false");
  }
  std::optional<std::string> MaybeText(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return value->get<std::string>();
    return Fail(key, "must be text");
  }
  const Json* MaybeObject(const char* key) {
    const Json* value = Find(key);
    if (value != nullptr && !value->is_object()) Fail(key, "must be an object");
    return value != nullptr && value->is_object() ? value : nullptr;
  }

  std::nullopt_t Fail(const char* key, std::string_view what) {
    if (!error_.empty()) return std::nullopt;
    const Json* value = Find(key);
    std::string text;
    if (value != nullptr) {
      text = value->is_structured()
                 ? " is a list or an object, and"
                 : " is " + Quoted(value->dump(-1, ' ', true, Json::error_handler_t::replace)) +
                       ", but";
    }
    error_ = fmt::format("key '{}{}'{} {}", prefix_, key, text, what);
    return std::nullopt;
  }

 private:
  const Json& object_;
  std::string prefix_;
  std::string& error_;
};

void ReadShape(Keys& keys, ModelShape& s) {
  s.layers = keys.Count("num_hidden_layers");
  s.model_dim = keys.Count("hidden_size");
  s.ffn_dim = keys.Count("intermediate_size");
  s.heads = keys.Count("num_attention_heads");
  s.kv_heads = keys.MaybeCount("num_key_value_heads").value_or(s.heads);
  s.vocab = keys.Count("vocab_size");
  s.context = keys.Count("max_position_embeddings");
  s.rms_eps = keys.Real("rms_norm_eps");
  const std::optional<int64_t> head_dim = keys.MaybeCount("head_dim");
  if (!head_dim && s.heads > 0 && s.model_dim % s.heads != 0) {
    keys.Fail("hidden_size", fmt::format("must be a multiple of num_attention_heads, {}, where "
                                         "there is no head_dim",
                                         s.heads));
  }
  s.head_dim = head_dim ? *head_dim : (s.heads > 0 ? s.model_dim / s.heads : 0);
  s.rope_dim = s.head_dim;
  const Json* types = keys.Find("layer_types");
  if (types != nullptr && types->is_array()) {
    for (const Json& type : *types) {
      if (type == "full_attention") continue;
      keys.Fail("layer_types", "must be full_attention in every layer");
    }
  }
  // Rows of Q and K as Hugging Face has them; "rope_traditional" is MLX's word for pairs.
  s.rope_layout = keys.MaybeFlag("rope_traditional").value_or(false) ? RopeLayout::kAdjacent
                                                                     : RopeLayout::kHalves;
}

// transformers' modeling_rope_utils.py; since its version 5 all of it lies in rope_parameters.
void ReadRope(Keys& keys, std::string& error, MlxConfig& config) {
  ModelShape& s = config.shape;
  const Json* parameters = keys.MaybeObject("rope_parameters");
  const Json* scaling = keys.MaybeObject("rope_scaling");
  const char* name = scaling != nullptr ? "rope_scaling." : "rope_parameters.";
  if (scaling == nullptr) scaling = parameters;
  const Json none = Json::object();
  Keys rope(scaling != nullptr ? *scaling : none, name, error);
  s.rope_base = keys.MaybeReal("rope_theta").value_or(rope.MaybeReal("rope_theta").value_or(10000));
  const char* type_key = rope.Find("rope_type") != nullptr ? "rope_type" : "type";
  const std::string type = rope.MaybeText(type_key).value_or("default");
  if (type == "linear") {
    config.rope_divisor = rope.Real("factor");
    if (!(config.rope_divisor >= 1e-3 && config.rope_divisor <= 1e6)) {
      rope.Fail("factor", "must be 0.001 to 1e6");
    }
  } else if (type == "llama3") {
    s.llama3_rope =
        Llama3Rope{rope.Real("factor"), rope.Real("low_freq_factor"), rope.Real("high_freq_factor"),
                   rope.Count("original_max_position_embeddings")};
    const Llama3Rope& l = *s.llama3_rope;
    if (!(l.factor >= 1 && l.factor <= 1e6)) rope.Fail("factor", "must be 1 to 1e6");
    if (!(l.low > 0 && l.high > l.low)) {
      rope.Fail("low_freq_factor", "must be above 0 and below high_freq_factor");
    }
    if (l.original_context < 1) rope.Fail("original_max_position_embeddings", "must be above 0");
  } else if (type != "default") {
    rope.Fail(type_key, "is supported as default, linear or llama3 only");
  }
}

// mlx_lm writes {"group_size": 64, "bits": 4, "mode": "affine"}, older ones without a mode, and
// beside them an object for each module that is packed otherwise, or false where it is not packed
// at all, which its arrays say too.
void ReadQuantisation(Keys& keys, std::string& error, MlxConfig& config) {
  const Json* quantisation = keys.MaybeObject("quantization");
  if (quantisation == nullptr) {
    if (keys.MaybeObject("quantization_config") != nullptr) {
      keys.Fail("quantization_config",
                "is not MLX's: its files have a key 'quantization'; convert the model with mlx_lm");
    }
    return;
  }
  Keys common(*quantisation, "quantization.", error);
  config.mode = common.MaybeText("mode").value_or(MlxPacking().mode);
  for (const auto& [module, object] : quantisation->items()) {
    if (!object.is_object()) continue;
    Keys own(object, fmt::format("quantization.{}.", module), error);
    MlxPacking& packing = config.packings[module];
    packing.mode = own.MaybeText("mode").value_or(packing.mode);
    packing.group = own.Count("group_size");
    packing.bits = own.Count("bits");
  }
}

std::string ReadMlxConfig(const Json& json, MlxConfig& config) {
  std::string error;
  Keys keys(json, "", error);
  const std::optional<std::string> type = keys.MaybeText("model_type");
  if (!error.empty()) return error;
  if (!type) return "key 'model_type' is missing";
  if (*type != "llama" && *type != "mistral") {
    return fmt::format("its model_type is {}; supported: llama, mistral", Quoted(*type));
  }
  ReadShape(keys, config.shape);
  ReadRope(keys, error, config);
  ReadQuantisation(keys, error, config);
  config.tied = keys.MaybeFlag("tie_word_embeddings");
  config.shape.tied_output = config.tied.value_or(false);
  const std::string act = keys.MaybeText("hidden_act").value_or("silu");
  if (act != "silu" && act != "swish") keys.Fail("hidden_act", "must be silu");
  for (const char* bias : {"attention_bias", "mlp_bias"}) {
    if (keys.MaybeFlag(bias).value_or(false)) {
      keys.Fail(bias, "only Llama models without biases are supported");
    }
  }
  return error.empty() ? ShapeError(config.shape) : error;
}

}  // namespace

MlxConfig ParseMlxConfig(std::string_view text, const std::string& source) {
  MlxConfig config;
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  config.error = json.is_object() ? ReadMlxConfig(json, config) : "is no JSON object";
  if (!config.error.empty()) config.error = fmt::format("{}: {}", source, config.error);
  return config;
}

}  // namespace wattline::kernels
