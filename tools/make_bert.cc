// make_bert: writes the encoder that bench measures, its seeded random weights, a sentence and the
// double-precision answer to it, as a safetensors file, for tools/coreml_package and other engines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/encode/bert_tensors.h"
#include "kernels/encode/random_bert.h"
#include "kernels/model/shapes.h"

namespace wattline {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

struct Options {
  std::string path;
  std::string format = "f16";
  int64_t tokens = 128;
  uint64_t seed = kernels::kBertSeed;
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

int Make(const Options& o) {
  const kernels::ModelShape shape = Changed(kernels::FindShape("bert-base")->shape, o);
  if (o.format != "f32" && o.format != "f16" && o.format != "bf16") {
    fmt::print(stderr, "make_bert: --format={}: safetensors here hold f32, f16 and bf16\n",
               o.format);
    return kWrongUse;
  }
  if (shape.model_dim % shape.heads != 0 || o.threads < 1) {
    fmt::print(stderr, "make_bert: --model_dim={} is no multiple of --heads={}, or no threads\n",
               shape.model_dim, shape.heads);
    return kWrongUse;
  }
  kernels::ThreadPool pool(o.threads);
  const kernels::LoadedBert bert = kernels::MakeRandomBert(shape, o.format, o.seed, pool);
  const kernels::Sentence sentence =
      kernels::RandomSentence(shape, o.tokens, kernels::kSentenceSeed);
  if (!bert.model) {
    fmt::print(stderr, "make_bert: {}\n", bert.error);
    return kFailed;
  }
  const kernels::EncodeCase c{bert.model.get(), sentence.tokens, sentence.segments};
  if (const std::string error = kernels::WhyNotEncode(c); !error.empty()) {
    fmt::print(stderr, "make_bert: {}\n", error);
    return kWrongUse;
  }
  std::vector<double> answer(static_cast<size_t>((o.tokens + 1) * shape.model_dim));
  kernels::EncodeReference(c, pool, answer.data());

  std::vector<Part> parts;
  for (const kernels::BertTensor& t : kernels::TensorsOf(*bert.model)) {
    std::vector<int64_t> dims;
    if (t.rows > 0) dims.push_back(t.rows);
    dims.push_back(t.cols);
    parts.push_back({t.name, TypeOf(t.format), dims, t.data, static_cast<size_t>(t.Byte())});
  }
  parts.push_back({"wattline.answer",
                   "F64",
                   {o.tokens + 1, shape.model_dim},
                   answer.data(),
                   answer.size() * sizeof(double)});
  parts.push_back({"wattline.tokens",
                   "I32",
                   {o.tokens},
                   sentence.tokens.data(),
                   sentence.tokens.size() * sizeof(int32_t)});
  parts.push_back({"wattline.segments",
                   "I32",
                   {o.tokens},
                   sentence.segments.data(),
                   sentence.segments.size() * sizeof(int32_t)});
  const nlohmann::json header = {
      {"__metadata__",
       {{"model", shape.name},
        {"seed", std::to_string(o.seed)},
        {"layers", std::to_string(shape.layers)},
        {"heads", std::to_string(shape.heads)},
        {"layer_norm_eps", fmt::format("{}", shape.rms_eps)},
        {"tolerance_f32", fmt::format("{}", kernels::EncodeTolerance(shape, 0x1p-24))},
        {"tolerance_f16", fmt::format("{}", kernels::EncodeTolerance(shape, 0x1p-11))}}}};
  if (const std::string error = Write(o.path, header, parts); !error.empty()) {
    fmt::print(stderr, "make_bert: {}\n", error);
    return kFailed;
  }
  fmt::print("{}: {} {}, {} layers, a sentence of {} tokens\n", o.path, shape.name, o.format,
             shape.layers, o.tokens);
  return 0;
}

}  // namespace
}  // namespace wattline

int main(int argc, char** argv) {
  wattline::Options o;
  CLI::App app("Writes the BERT encoder that bench measures, with its answer to one sentence.",
               "make_bert");
  app.add_option("-o", o.path, "file to write")->required();
  app.add_option("--format", o.format, "f32 f16 bf16 (default f16)");
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
