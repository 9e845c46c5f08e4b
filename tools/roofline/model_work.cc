#include "tools/roofline/model_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <numeric>

#include "kernels/decode/decoder.h"
#include "kernels/model/plan_model.h"
#include "tools/reference/embedded.h"

namespace wattline::tools {
namespace {

using kernels::Model;

// Tokens of one forward pass, as in DecoderOptions::chunk and llama.cpp's ubatch.
constexpr int64_t kChunk = 512;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string StandsFor(double bits) { return bits >= 16 ? "f16" : bits >= 7 ? "q8_0" : "q4_0"; }

// Names of quant_formats.csv as users type them; the others there are layouts of activations or of
// repacked weights. K-quants and types without a name here keep the table's.
std::string UserName(std::string_view published) {
  if (published == "MLX affine 4-bit g64") return "mlx_4bit";
  if (published == "MLX affine 8-bit g64") return "mlx_8bit";
  if (published == "MLX affine 4-bit g32") return "mlx_4bit_g32";
  if (published.find(' ') != std::string_view::npos) return {};
  if (published == "Q8_1" || published == "Q8_K") return {};
  return Lower(published);
}

// Bytes of a law that is linear in the bits of the matrices: from f16 and f32 to `bits`.
double AtBits(double f16_byte, double f32_byte, double bits) {
  return f16_byte + (f32_byte - f16_byte) * (bits - 16) / 16;
}

double ForwardByteAt(const Model& f16, const Model& f32, double bits, int64_t start, int64_t count,
                     int64_t batch) {
  return AtBits(kernels::ForwardByte(f16, start, count, batch),
                kernels::ForwardByte(f32, start, count, batch), bits);
}

// A shape's weights in a format: one planned model, or two that its bytes lie on a line with.
struct Weights {
  std::shared_ptr<Model> model, f32;
  double bits = 16;

  double Byte() const {
    const double byte = kernels::WeightByte(*model);
    return f32 ? AtBits(byte, kernels::WeightByte(*f32), bits) : byte;
  }
  double PassByte(int64_t start, int64_t count, int64_t batch) const {
    return f32 ? ForwardByteAt(*model, *f32, bits, start, count, batch)
               : kernels::ForwardByte(*model, start, count, batch);
  }
};

Weights PlanWeights(const kernels::ModelShape& shape, const WeightFormat& format,
                    std::string& error) {
  if (format.planned) {
    const kernels::LoadedModel planned = kernels::PlanModel(shape, format.name);
    if (planned.error.empty()) return {planned.model, nullptr, format.bits};
  }
  // Unplanned, or in blocks that do not divide the shape's rows (576 by 128): by bits alone.
  const kernels::LoadedModel f16 = kernels::PlanModel(shape, "f16");
  error = f16.error;
  if (!error.empty()) return {};
  return {f16.model, kernels::PlanModel(shape, "f32").model, format.bits};
}

// f32 activations of a pass of up to kChunk tokens: the residual stream and its normalised copy, Q,
// K, V and attention's output, gate and up; and the logits of each sequence.
double ScratchByte(const kernels::ModelShape& s, const ModelRequest& r) {
  const auto tokens = static_cast<double>(std::min(kChunk, r.prompt) * r.batch);
  const double per_token = static_cast<double>(
      2 * s.model_dim + 2 * (s.heads + s.kv_heads) * s.head_dim + 2 * s.ffn_dim);
  return 4 * (tokens * per_token + static_cast<double>(r.batch * s.vocab));
}

}  // namespace

std::vector<WeightFormat> WeightFormats() {
  std::vector<WeightFormat> formats;
  for (const kernels::FormatInfo& info : kernels::AllFormats()) {
    const double bits =
        8.0 * static_cast<double>(info.block_byte) / static_cast<double>(info.block_elements);
    formats.push_back({std::string(info.name), true, bits, StandsFor(bits)});
  }
  // 4.85 bits of Llama 2 7B: 4.08e9 byte of 6.74e9 parameters.
  formats.push_back({"q4_k_m", true, 4.85, "q4_0"});
  const roofline::PublishedTable table = roofline::ParsePublished(PublishedText("quant_formats"));
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string name = UserName(table.Text(i, "format"));
    const auto bits = table.Number(i, "bits_per_weight");
    const bool known = std::any_of(formats.begin(), formats.end(),
                                   [&](const WeightFormat& f) { return f.name == name; });
    if (!name.empty() && bits && !known) formats.push_back({name, false, *bits, StandsFor(*bits)});
  }
  return formats;
}

std::optional<roofline::ModelWork> WorkOf(const kernels::ModelShape& shape,
                                          const WeightFormat& format, const ModelRequest& request,
                                          std::string& error) {
  const Weights weights = PlanWeights(shape, format, error);
  if (!error.empty()) return std::nullopt;
  roofline::ModelWork work;
  work.prefill_tokens = static_cast<double>(request.prompt * request.batch);
  work.decode_tokens = static_cast<double>(request.batch);
  for (int64_t start = 0; start < request.prompt; start += kChunk) {
    const int64_t count = std::min(kChunk, request.prompt - start);
    work.prefill.flop += kernels::ForwardFlop(*weights.model, start, count, request.batch);
    work.prefill.byte += weights.PassByte(start, count, request.batch);
    work.prefill.launches += static_cast<double>(shape.layers);
  }
  work.decode.flop = kernels::ForwardFlop(*weights.model, request.context, 1, request.batch);
  work.decode.byte = weights.PassByte(request.context, 1, request.batch);
  work.decode.launches = static_cast<double>(shape.layers);
  const double position_byte = kernels::KvByte(shape) * static_cast<double>(request.batch);
  work.weight_byte = weights.Byte();
  work.prompt_cache_byte = position_byte * static_cast<double>(request.prompt);
  work.cache_byte = position_byte * static_cast<double>(std::max(request.context, request.prompt));
  work.scratch_byte = ScratchByte(shape, request);
  return work;
}

std::vector<const kernels::NamedShape*> Decoders() {
  std::vector<const kernels::NamedShape*> decoders;
  for (const kernels::NamedShape& named : kernels::AllShapes()) {
    if (named.architecture != kernels::Architecture::kBert) decoders.push_back(&named);
  }
  std::sort(decoders.begin(), decoders.end(), [](const auto* a, const auto* b) {
    return kernels::ParameterCount(a->shape) < kernels::ParameterCount(b->shape);
  });
  return decoders;
}

const kernels::NamedShape* FindDecoder(std::string_view name) {
  const std::string lower = Lower(name);
  const kernels::NamedShape* named = kernels::FindShape(lower == "llama-7b" ? "llama-2-7b" : lower);
  return named != nullptr && named->architecture != kernels::Architecture::kBert ? named : nullptr;
}

roofline::GpuTables PublishedTables() {
  roofline::GpuTables tables;
  tables.gpus = roofline::ParseGpus(PublishedText("gpus"));
  tables.rates = roofline::ParseCoreRates(PublishedText("gpu_core_rates"));
  tables.speeds = roofline::ParseLlamaSpeeds(PublishedText("llamacpp_llama7b_m1_m2"));
  // pp512 starts from nothing; the 128 tokens of tg128 see 0 to 127 positions before them.
  const ModelRequest request{.context = 64, .prompt = 512, .batch = 1};
  const kernels::ModelShape& shape = kernels::FindShape("llama-2-7b")->shape;
  for (const WeightFormat& format : WeightFormats()) {
    if (format.name != format.stands_for) continue;
    std::string error;
    if (const auto work = WorkOf(shape, format, request, error)) {
      tables.works[format.name] = {work->prefill, work->decode};
    }
  }
  return tables;
}

std::vector<std::string> NearestNames(std::string_view name, std::vector<std::string> names,
                                      size_t count) {
  const std::string wanted = Lower(name);
  // Levenshtein's distance; swapping the case costs nothing.
  const auto distance = [&wanted](const std::string& other) {
    std::vector<size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < wanted.size(); ++i) {
      size_t corner = row[0]++;
      for (size_t j = 0; j < other.size(); ++j) {
        const size_t swapped =
            corner +
            (wanted[i] == static_cast<char>(std::tolower(static_cast<unsigned char>(other[j])))
                 ? 0
                 : 1);
        corner = row[j + 1];
        row[j + 1] = std::min({swapped, row[j] + 1, row[j + 1] + 1});
      }
    }
    return row.back();
  };
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return distance(a) < distance(b);
  });
  names.resize(std::min(count, names.size()));
  return names;
}

}  // namespace wattline::tools
