// make_bert: writes the encoder that bench measures, or one block of it: its seeded random weights,
// an input and the double-precision answer, as a safetensors file, for tools/coreml_package and
// others.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/encode/bert_tensors.h"
#include "kernels/encode/random_bert.h"
#include "kernels/model/random_model.h"
#include "kernels/model/shapes.h"
#include "kernels/random.h"

namespace wattline {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

struct Options {
  std::string path;
  std::string format = "f16";
  int64_t tokens = 128;
  bool block = false;
  std::optional<uint64_t> seed;
  int threads = 2;
  int64_t layers = 0, model_dim = 0, ffn_dim = 0, heads = 0, vocab = 0;
};

// One tensor of the file.
struct Part {
  std::string name;
  const char* type;  // as safetensors has it
  std::vector<int64_t> shape;
  const void* data;
  size_t byte;
};

const char* TypeOf(kernels::Format format) {
  if (format == kernels::Format::kF32) return "F32";
  return format == kernels::Format::kF16 ? "F16" : "BF16";
}

// The format: the header's length as 8 bytes, little-endian, a JSON object, the data
// (huggingface/safetensors, README).
std::string Write(const std::string& path, nlohmann::json header, const std::vector<Part>& parts) {
  size_t end = 0;
  for (const Part& part : parts) {
    header[part.name] = {
        {"dtype", part.type}, {"shape", part.shape}, {"data_offsets", {end, end + part.byte}}};
    end += part.byte;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data are aligned
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             std::fclose);
  if (!file) return fmt::format("{} cannot be written", path);
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
  bool ok = std::fwrite(length, 1, 8, file.get()) == 8 &&
            std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  for (const Part& part : parts) {
    ok = ok && std::fwrite(part.data, 1, part.byte, file.get()) == part.byte;
  }
  ok = ok && std::fflush(file.get()) == 0;
  return ok ? "" : fmt::format("{}: writing failed; is the disk full?", path);
}

kernels::ModelShape Changed(kernels::ModelShape s, const Options& o) {
  if (o.layers > 0) s.layers = o.layers;
  if (o.model_dim > 0) s.model_dim = o.model_dim;
  if (o.ffn_dim > 0) s.ffn_dim = o.ffn_dim;
  if (o.heads > 0) s.heads = s.kv_heads = o.heads;
  if (o.vocab > 0) s.vocab = o.vocab;
  s.head_dim = s.model_dim / s.heads;
  return s;
}

int Failed(const std::string& error, int code) {
  fmt::print(stderr, "make_bert: {}\n", error);
  return code;
}

template <class T>
Part PartOf(const char* name, const char* type, std::vector<int64_t> shape, std::span<const T> of) {
  return {name, type, std::move(shape), of.data(), of.size_bytes()};
}

// Weights, what goes in, and the answer [rows, model_dim] to it.
int Save(const Options& o, const kernels::ModelShape& shape, uint64_t seed,
         const std::vector<kernels::BertTensor>& tensors, const std::vector<Part>& inputs,
         const std::vector<double>& answer) {
  std::vector<Part> parts;
  for (const kernels::BertTensor& t : tensors) {
    std::vector<int64_t> dims;
    if (t.rows > 0) dims.push_back(t.rows);
    dims.push_back(t.cols);
    parts.push_back({t.name, TypeOf(t.format), dims, t.data, static_cast<size_t>(t.Byte())});
  }
  const auto rows = static_cast<int64_t>(answer.size()) / shape.model_dim;
  parts.push_back(
      PartOf<double>("wattline.answer", "F64", {rows, shape.model_dim}, std::span(answer)));
  parts.insert(parts.end(), inputs.begin(), inputs.end());
  const nlohmann::json header = {
      {"__metadata__",
       {{"model", shape.name},
        {"part", o.block ? "block" : "encoder"},
        {"seed", std::to_string(seed)},
        {"tokens", std::to_string(o.tokens)},
        {"layers", std::to_string(shape.layers)},
        {"heads", std::to_string(shape.heads)},
        {"layer_norm_eps", fmt::format("{}", shape.rms_eps)},
        {"tolerance_f32", fmt::format("{}", kernels::EncodeTolerance(shape, 0x1p-24))},
        {"tolerance_f16", fmt::format("{}", kernels::EncodeTolerance(shape, 0x1p-11))}}}};
  const std::string error = Write(o.path, header, parts);
  if (!error.empty()) return Failed(error, kFailed);
  fmt::print("{}: {} {}, {} layers, a sentence of {} tokens\n", o.path, shape.name, o.format,
             shape.layers, o.tokens);
  return 0;
}

int MakeEncoder(const Options& o, const kernels::ModelShape& shape, kernels::ThreadPool& pool) {
  const uint64_t seed = o.seed.value_or(kernels::kBertSeed);
  const kernels::LoadedBert bert = kernels::MakeRandomBert(shape, o.format, seed, pool);
  if (!bert.model) return Failed(bert.error, kFailed);
  const kernels::Sentence sentence =
      kernels::RandomSentence(shape, o.tokens, kernels::kSentenceSeed);
  const kernels::EncodeCase c{bert.model.get(), sentence.tokens, sentence.segments};
  if (const std::string error = kernels::WhyNotEncode(c); !error.empty()) {
    return Failed(error, kWrongUse);
  }
  std::vector<double> answer(static_cast<size_t>((o.tokens + 1) * shape.model_dim));
  kernels::EncodeReference(c, pool, answer.data());
  return Save(o, shape, seed, kernels::TensorsOf(*bert.model),
              {PartOf<int32_t>("wattline.tokens", "I32", {o.tokens}, c.tokens),
               PartOf<int32_t>("wattline.segments", "I32", {o.tokens}, c.segments)},
              answer);
}

int MakeBlock(const Options& o, const kernels::ModelShape& shape, kernels::ThreadPool& pool) {
  if (o.tokens < 1) return Failed(fmt::format("--tokens={}: at least 1", o.tokens), kWrongUse);
  const uint64_t seed = o.seed.value_or(kernels::kBertBlockSeed);
  const kernels::LoadedBertLayer made = kernels::MakeRandomBertLayer(shape, o.format, seed, pool);
  if (!made.error.empty()) return Failed(made.error, kFailed);
  std::vector<float> x(static_cast<size_t>(o.tokens * shape.model_dim));
  kernels::Random random(kernels::kSentenceSeed);
  for (float& value : x) value = random.Normal();
  kernels::BlockCase c;
  c.shape = shape;
  c.bert = &made.layer;
  c.tokens = o.tokens;
  c.x = x.data();
  std::vector<double> answer(x.size());
  kernels::BlockReference(c, answer.data());
  kernels::ModelShape one = shape;
  one.layers = 1;
  return Save(o, one, seed, kernels::TensorsOf(made.layer),
              {PartOf<float>("wattline.x", "F32", {o.tokens, shape.model_dim}, std::span(x))},
              answer);
}

int Make(const Options& o) {
  const kernels::ModelShape shape = Changed(kernels::FindShape("bert-base")->shape, o);
  if (o.format != "f32" && o.format != "f16" && o.format != "bf16") {
    return Failed(fmt::format("--format={}: safetensors here hold f32, f16 and bf16", o.format),
                  kWrongUse);
  }
  if (shape.model_dim % shape.heads != 0 || o.threads < 1) {
    return Failed(fmt::format("--model_dim={} is no multiple of --heads={}, or no threads",
                              shape.model_dim, shape.heads),
                  kWrongUse);
  }
  kernels::ThreadPool pool(o.threads);
  return o.block ? MakeBlock(o, shape, pool) : MakeEncoder(o, shape, pool);
}

}  // namespace
}  // namespace wattline

int main(int argc, char** argv) {
  wattline::Options o;
  CLI::App app("Writes the BERT encoder that bench measures, with its answer to one sentence.",
               "make_bert");
  app.add_option("-o", o.path, "file to write")->required();
  app.add_option("--format", o.format, "f32 f16 bf16 (default f16)");
  app.add_flag("--block", o.block, "one block of it alone");
  app.add_option("--tokens", o.tokens, "of the sentence (default 128)");
  app.add_option("--seed", o.seed, "of the weights (default: that of bench)");
  app.add_option("--threads", o.threads, "default 2");
  app.add_option("--layers", o.layers, "these change bert-base's shape:");
  app.add_option("--model_dim", o.model_dim, "");
  app.add_option("--ffn_dim", o.ffn_dim, "");
  app.add_option("--heads", o.heads, "");
  app.add_option("--vocab", o.vocab, "");
  app.footer("Example: make_bert --format=f16 -o bert-base.f16.safetensors");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wattline::kWrongUse;
  }
  return wattline::Make(o);
}
