#include "tools/known_work.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "kernels/attention/attention.h"
#include "kernels/block/block.h"
#include "kernels/decode/decoder.h"
#include "kernels/dequant/dequant.h"
#include "kernels/encode/encode.h"
#include "kernels/gemm/gemm.h"
#include "kernels/model/plan_model.h"
#include "kernels/model/shapes.h"

namespace wattline::tools {
namespace {

using kernels::ModelShape;
using roofline::Address;
using roofline::KnownWork;

// Beyond every model; a name may hold any number, and products of these must fit 64 bits.
constexpr double kMostTokens = 1e7;
constexpr double kMostHeads = 1e5;
// Tokens that a decode row generates after its context: kDecodedTokens of benchmarks/decode.cc.
constexpr int64_t kDecodedTokens = 128;

std::optional<int64_t> Count(const Address& address, const char* key, double most = kMostTokens) {
  const std::optional<double> value = address.CaseNumber(key);
  if (!value || !(*value >= 0) || *value > most) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<kernels::GemmShape> GemmShapeOf(const std::string& subject) {
  long long m = 0, n = 0, k = 0;
  char rest = 0;
  if (std::sscanf(subject.c_str(), "%7lldx%7lldx%7lld%c", &m, &n, &k, &rest) != 3) {
    return std::nullopt;
  }
  if (m < 1 || n < 1 || k < 1) return std::nullopt;
  return kernels::GemmShape{m, n, k};
}

KnownWork OfGemm(const Address& address) {
  const std::optional<kernels::GemmShape> shape = GemmShapeOf(address.subject);
  if (!shape) return {};
  KnownWork work;
  work.flop = kernels::GemmFlop(*shape);
  const auto type = kernels::GemmTypeFromName(address.format);
  const auto weights = kernels::FormatFromName(address.format);
  // Rows of our CPU kernels, which multiply no two matrices of f16, have weights in f16 and the
  // rest in f32.
  const bool is_layer = !address.Case("weights").empty() ||
                        (type == kernels::GemmType::kF16 && address.backend.starts_with("cpu"));
  if (type && !is_layer) {
    work.byte = kernels::GemmByte(*shape, *type);
  } else if (weights && shape->k % kernels::Info(*weights).block_elements == 0) {
    work.byte = kernels::GemmByte(*shape, *weights);
  }
  return work;
}

KnownWork OfAttention(const Address& address) {
  const auto heads = Count(address, "heads", kMostHeads);
  const auto kv_heads = Count(address, "kv_heads", kMostHeads);
  const auto head_dim = Count(address, "head_dim", kMostHeads);
  const auto cache = kernels::FormatFromName(address.format);
  if (!heads || !kv_heads || !head_dim) return {};
  kernels::AttentionShape shape;
  shape.heads = *heads;
  shape.kv_heads = *kv_heads;
  shape.head_dim = *head_dim;
  const auto tokens = Count(address, "tokens"), context = Count(address, "ctx");
  if (address.subject == "single_query" && context && *context > 0) {
    shape.tokens = 1;
    shape.start = *context - 1;
  } else if (address.subject == "causal" && tokens && *tokens > 0) {
    shape.tokens = *tokens;
  } else {
    return {};
  }
  KnownWork work;
  work.flop = kernels::AttentionFlop(shape);
  if (cache && kernels::IsCacheFormat(*cache, shape.head_dim)) {
    work.byte = kernels::AttentionByte(shape, *cache);
  }
  shape.causal = false;
  work.flop_not_causal = kernels::AttentionFlop(shape);
  return work;
}

KnownWork OfDecode(const Address& address, const ModelShape& shape) {
  const std::shared_ptr<kernels::Model> model = kernels::PlanModel(shape, address.format).model;
  if (!model) return {};
  KnownWork work;
  work.weight_byte = kernels::WeightByte(*model);
  if (const auto prompt = Count(address, "prefill"); prompt && *prompt > 0) {
    work.flop = kernels::ForwardFlop(*model, 0, *prompt, 1);
    work.byte = kernels::ForwardByte(*model, 0, *prompt, 1);
    work.tokens = static_cast<double>(*prompt);
  } else if (const auto context = Count(address, "ctx")) {
    const int64_t batch = Count(address, "batch").value_or(1);
    work.flop = 0;
    work.byte = 0;
    for (int64_t step = 0; step < kDecodedTokens; ++step) {
      *work.flop += kernels::ForwardFlop(*model, *context + step, 1, batch);
      *work.byte += kernels::ForwardByte(*model, *context + step, 1, batch);
    }
    work.tokens = static_cast<double>(kDecodedTokens * batch);
  }
  return work;
}

KnownWork OfBlock(const Address& address, const ModelShape& shape) {
  const auto tokens = Count(address, "tokens");
  if (!tokens || *tokens < 1) return {};
  ModelShape first = shape;
  first.layers = 1;
  const std::shared_ptr<kernels::Model> model = kernels::PlanModel(first, address.format).model;
  if (!model) return {};
  kernels::BlockCase block;
  block.shape = shape;
  block.llama = model->layers.data();
  block.tokens = *tokens;
  block.start = Count(address, "ctx").value_or(0);
  KnownWork work;
  work.flop = kernels::BlockFlop(block);
  work.byte = kernels::BlockByte(block);
  work.tokens = static_cast<double>(*tokens);
  return work;
}

KnownWork OfEncode(const Address& address, const ModelShape& shape) {
  const auto tokens = Count(address, "tokens");
  const auto format = kernels::FormatFromName(address.format);
  if (!tokens || *tokens < 1) return {};
  KnownWork work;
  work.flop = kernels::EncodeFlop(shape, *tokens);
  if (format && shape.model_dim % kernels::Info(*format).block_elements == 0) {
    work.byte = kernels::EncodeByte(shape, *format, *tokens);
  }
  work.tokens = static_cast<double>(*tokens);
  return work;
}

KnownWork OfDequant(const Address& address) {
  const auto format = kernels::FormatFromName(address.format);
  const std::string_view to = address.Case("to");
  long long rows = 0, cols = 0;
  if (!format || (to != "f32" && to != "bf16") ||
      std::sscanf(address.subject.c_str(), "%7lldx%7lld", &rows, &cols) != 2 || rows < 1 ||
      cols < 1 || cols % kernels::Info(*format).block_elements != 0) {
    return {};
  }
  const kernels::Matrix matrix{*format, rows, cols, nullptr};
  KnownWork work;
  work.flop = kernels::DequantFlop(matrix);
  work.byte = kernels::DequantByte(matrix, to == "f32" ? 4 : 2);
  return work;
}

}  // namespace

KnownWork KnownWorkOf(const roofline::Row& row) {
  if (!row.address) return {};
  const Address& address = *row.address;
  if (address.fixture == "gemm") return OfGemm(address);
  if (address.fixture == "attention") return OfAttention(address);
  if (address.fixture == "dequant") return OfDequant(address);
  const kernels::NamedShape* named = kernels::FindShape(address.subject);
  if (named == nullptr) return {};
  if (named->architecture == kernels::Architecture::kBert) {
    return address.fixture == "encode" ? OfEncode(address, named->shape) : KnownWork();
  }
  if (named->architecture != kernels::Architecture::kLlama) return {};
  if (address.fixture == "decode") return OfDecode(address, named->shape);
  if (address.fixture == "block") return OfBlock(address, named->shape);
  return {};
}

}  // namespace wattline::tools
