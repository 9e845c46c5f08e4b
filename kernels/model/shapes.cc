#include "kernels/model/shapes.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace wattline::kernels {
namespace {

// Fields: layers, model_dim, ffn_dim, heads, kv_heads, head_dim, vocab, context, rope_dim,
// rope_base, llama3_rope, rms_eps, rope_layout, tied_output. Each from the config.json of the
// repository named on its line, on huggingface.co.
std::vector<NamedShape> MakeShapes() {
  constexpr RopeLayout kPairs = RopeLayout::kAdjacent;  // as their GGUF files have it
  constexpr RopeLayout kHalves = RopeLayout::kHalves;
  const Llama3Rope llama31{8.0, 1.0, 4.0, 8192}, llama32{32.0, 1.0, 4.0, 8192};
  std::vector<NamedShape> shapes;
  const auto llama = [&shapes](ModelShape s) {
    shapes.push_back({Architecture::kLlama, std::move(s)});
  };
  const auto qwen = [&shapes](ModelShape s) {
    shapes.push_back({Architecture::kQwen2, std::move(s)});
  };
  // TinyLlama/TinyLlama-1.1B-Chat-v1.0
  llama({"tinyllama-1.1b", 22, 2048, 5632, 32, 4, 64, 32000, 2048, 64, 10000.0, std::nullopt, 1e-5,
         kPairs, false});
  // meta-llama/Llama-3.2-1B
  llama({"llama-3.2-1b", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 64, 500000.0, llama32, 1e-5,
         kPairs, true});
  // meta-llama/Llama-2-7b-hf
  llama({"llama-2-7b", 32, 4096, 11008, 32, 32, 128, 32000, 4096, 128, 10000.0, std::nullopt, 1e-5,
         kPairs, false});
  // mistralai/Mistral-7B-v0.1; its sliding window of 4096 is not modelled, as in its GGUF files
  llama({"mistral-7b", 32, 4096, 14336, 32, 8, 128, 32000, 32768, 128, 10000.0, std::nullopt, 1e-5,
         kPairs, false});
  // meta-llama/Meta-Llama-3-8B
  llama({"llama-3-8b", 32, 4096, 14336, 32, 8, 128, 128256, 8192, 128, 500000.0, std::nullopt, 1e-5,
         kPairs, false});
  // HuggingFaceTB/SmolLM2-135M
  llama({"smollm2-135m", 30, 576, 1536, 9, 3, 64, 49152, 8192, 64, 100000.0, std::nullopt, 1e-5,
         kPairs, true});
  // Larger ones: for make_gguf and predictions; no fixture measures them by default.
  // meta-llama/Llama-3.2-3B
  llama({"llama-3.2-3b", 28, 3072, 8192, 24, 8, 128, 128256, 131072, 128, 500000.0, llama32, 1e-5,
         kPairs, true});
  // meta-llama/Llama-3.1-8B
  llama({"llama-3.1-8b", 32, 4096, 14336, 32, 8, 128, 128256, 131072, 128, 500000.0, llama31, 1e-5,
         kPairs, false});
  // meta-llama/Llama-3.1-70B; Llama-3.3-70B-Instruct has the same
  llama({"llama-3.1-70b", 80, 8192, 28672, 64, 8, 128, 128256, 131072, 128, 500000.0, llama31, 1e-5,
         kPairs, false});
  // meta-llama/Llama-3.1-405B
  llama({"llama-3.1-405b", 126, 16384, 53248, 128, 8, 128, 128256, 131072, 128, 500000.0, llama31,
         1e-5, kPairs, false});
  // meta-llama/Meta-Llama-3-70B
  llama({"llama-3-70b", 80, 8192, 28672, 64, 8, 128, 128256, 8192, 128, 500000.0, std::nullopt,
         1e-5, kPairs, false});
  // meta-llama/Llama-2-13b-hf
  llama({"llama-2-13b", 40, 5120, 13824, 40, 40, 128, 32000, 4096, 128, 10000.0, std::nullopt, 1e-5,
         kPairs, false});
  // meta-llama/Llama-2-70b-hf
  llama({"llama-2-70b", 80, 8192, 28672, 64, 8, 128, 32000, 4096, 128, 10000.0, std::nullopt, 1e-5,
         kPairs, false});
  // mistralai/Mistral-Nemo-Base-2407
  llama({"mistral-nemo-12b", 40, 5120, 14336, 32, 8, 128, 131072, 131072, 128, 1000000.0,
         std::nullopt, 1e-5, kPairs, false});
  // mistralai/Mistral-Small-24B-Base-2501
  llama({"mistral-small-24b", 40, 5120, 32768, 32, 8, 128, 131072, 32768, 128, 100000000.0,
         std::nullopt, 1e-5, kPairs, false});
  // HuggingFaceTB/SmolLM2-360M
  llama({"smollm2-360m", 32, 960, 2560, 15, 5, 64, 49152, 8192, 64, 100000.0, std::nullopt, 1e-5,
         kPairs, true});
  // HuggingFaceTB/SmolLM2-1.7B
  llama({"smollm2-1.7b", 24, 2048, 8192, 32, 32, 64, 49152, 8192, 64, 130000.0, std::nullopt, 1e-5,
         kPairs, true});
  // Qwen/Qwen2.5-0.5B, -1.5B, -3B, -7B, -14B, -32B, -72B
  qwen({"qwen2.5-0.5b", 24, 896, 4864, 14, 2, 64, 151936, 32768, 64, 1000000.0, std::nullopt, 1e-6,
        kHalves, true});
  qwen({"qwen2.5-1.5b", 28, 1536, 8960, 12, 2, 128, 151936, 131072, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, true});
  qwen({"qwen2.5-3b", 36, 2048, 11008, 16, 2, 128, 151936, 32768, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, true});
  qwen({"qwen2.5-7b", 28, 3584, 18944, 28, 4, 128, 152064, 131072, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, false});
  qwen({"qwen2.5-14b", 48, 5120, 13824, 40, 8, 128, 152064, 131072, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, false});
  qwen({"qwen2.5-32b", 64, 5120, 27648, 40, 8, 128, 152064, 131072, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, false});
  qwen({"qwen2.5-72b", 80, 8192, 29568, 64, 8, 128, 152064, 131072, 128, 1000000.0, std::nullopt,
        1e-6, kHalves, false});
  // google-bert/bert-base-uncased: LayerNorm with eps 1e-12, learned positions, so no RoPE
  shapes.push_back({Architecture::kBert,
                    {"bert-base", 12, 768, 3072, 12, 12, 64, 30522, 512, 0, 10000.0, std::nullopt,
                     1e-12, kPairs, true}});
  return shapes;
}

}  // namespace

std::span<const NamedShape> AllShapes() {
  static const std::vector<NamedShape> shapes = MakeShapes();
  return shapes;
}

const NamedShape* FindShape(std::string_view name) {
  for (const NamedShape& named : AllShapes()) {
    if (named.shape.name == name) return &named;
  }
  return nullptr;
}

std::string ShapeError(const ModelShape& s) {
  // The largest known decoders stay an order of magnitude below each of these.
  const struct {
    const char* field;
    int64_t value, most;
  } limits[] = {
      {"layers (block_count)", s.layers, 4096},
      {"model_dim (embedding_length)", s.model_dim, 1 << 20},
      {"ffn_dim (feed_forward_length)", s.ffn_dim, 1 << 22},
      {"heads (attention.head_count)", s.heads, 1 << 14},
      {"kv_heads (attention.head_count_kv)", s.kv_heads, 1 << 14},
      {"head_dim (attention.key_length)", s.head_dim, 1 << 14},
      {"vocab (rows of token_embd.weight)", s.vocab, 1 << 26},
      {"context (context_length)", s.context, 1 << 30},
      {"rope_dim (rope.dimension_count)", s.rope_dim, 1 << 14},
  };
  for (const auto& limit : limits) {
    if (limit.value < 1 || limit.value > limit.most) {
      return fmt::format("{} is {}, but must be 1 to {}", limit.field, limit.value, limit.most);
    }
  }
  if (s.heads % s.kv_heads != 0) {
    return fmt::format(
        "heads (attention.head_count) is {}, but must be a multiple of kv_heads "
        "(attention.head_count_kv), {}",
        s.heads, s.kv_heads);
  }
  if (s.head_dim % 16 != 0) {
    return fmt::format(
        "head_dim (attention.key_length) is {}, but must be a multiple of 16 for "
        "the attention kernels",
        s.head_dim);
  }
  if (s.rope_dim % 2 != 0 || s.rope_dim > s.head_dim) {
    return fmt::format(
        "rope_dim (rope.dimension_count) is {}, but must be even and at most "
        "head_dim, {}",
        s.rope_dim, s.head_dim);
  }
  if (!(s.rope_base > 1.0 && s.rope_base <= 1e12)) {
    return fmt::format("rope_base (rope.freq_base) is {}, but must be above 1 and at most 1e12",
                       s.rope_base);
  }
  if (!(s.rms_eps > 0.0 && s.rms_eps <= 0.1)) {
    return fmt::format(
        "rms_eps (attention.layer_norm_rms_epsilon) is {}, but must be above 0 and "
        "at most 0.1",
        s.rms_eps);
  }
  return {};
}

// The law and its constants: rope_type "llama3" in Hugging Face transformers,
// modeling_rope_utils.py. GGUF files hold its result in rope_freqs.weight.
std::vector<float> RopeFactors(const ModelShape& s) {
  std::vector<float> factors;
  if (!s.llama3_rope) return factors;
  const Llama3Rope& rope = *s.llama3_rope;
  const auto original = static_cast<double>(rope.original_context);
  for (int64_t i = 0; i < s.rope_dim / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(s.rope_dim);
    const double turns = original / (2.0 * std::numbers::pi * std::pow(s.rope_base, exponent));
    double factor = 1.0;
    if (turns < rope.low) {
      factor = rope.factor;
    } else if (turns <= rope.high) {
      const double smooth = (turns - rope.low) / (rope.high - rope.low);
      factor = 1.0 / ((1.0 - smooth) / rope.factor + smooth);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

}  // namespace wattline::kernels
