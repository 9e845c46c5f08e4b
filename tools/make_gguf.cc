// make_gguf: writes a model with seeded random weights to a GGUF file or to a folder of MLX's, for
// loaders, other engines and tests.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "kernels/format.h"
#include "kernels/model/gguf_writer.h"
#include "kernels/model/mlx_writer.h"
#include "kernels/model/random_model.h"
#include "kernels/model/shapes.h"
#include "kernels/thread_pool.h"

namespace wattline {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

struct Options {
  std::string model;
  std::string format = "q4_0";
  std::string path;
  uint64_t seed = 1;
  int threads = 0;
  int64_t layers = 0, model_dim = 0, ffn_dim = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0,
          context = 0;
  bool tied = false;
  bool mlx = false;
};

std::string ShapeNames() {
  std::string names;
  for (const kernels::NamedShape& named : kernels::AllShapes()) {
    if (named.architecture != kernels::Architecture::kLlama) continue;
    names += (names.empty() ? "" : ", ") + named.shape.name;
  }
  return names;
}

void AddOptions(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "named shape: " + ShapeNames());
  app.add_option("--format", o.format,
                 "f32 f16 bf16 q8_0 q4_0 q4_1 q4_k q5_k q6_k mxfp4 or q4_k_m (default q4_0); with "
                 "--mlx f32 f16 bf16 q4_1 mlx4 mlx4_g128 mlx8_g32 mlx8 mlx8_g128 mxfp4 nvfp4");
  app.add_option("--seed", o.seed, "same seed, same bytes (default 1)");
  app.add_option("-o", o.path, "file to write, with --mlx the folder")->required();
  app.add_flag("--mlx", o.mlx,
               "write config.json and model.safetensors, as mlx_lm does, with halves in RoPE");
  app.add_option("--threads", o.threads, "default: all");
  app.add_option("--layers", o.layers,
                 "these change the named shape, or make one without --model:");
  app.add_option("--model_dim", o.model_dim, "");
  app.add_option("--ffn_dim", o.ffn_dim, "");
  app.add_option("--heads", o.heads, "");
  app.add_option("--kv_heads", o.kv_heads, "default: heads");
  app.add_option("--head_dim", o.head_dim, "default: model_dim / heads");
  app.add_option("--vocab", o.vocab, "");
  app.add_option("--context", o.context, "");
  app.add_flag("--tied", o.tied, "the output projection is the embedding table");
  app.footer("Example: make_gguf --model=llama-3.2-1b --format=q4_0 -o llama-3.2-1b.q4_0.gguf");
}

// The smallest shape that every weight format fits, where nothing else is said.
kernels::ModelShape DefaultShape() {
  kernels::ModelShape s;
  s.name = "custom";
  s.layers = 2;
  s.model_dim = 256;
  s.ffn_dim = 512;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 64;
  s.vocab = 512;
  s.context = 1024;
  s.rope_dim = 64;
  return s;
}

kernels::ModelShape Changed(kernels::ModelShape s, const CLI::App& app, const Options& o) {
  const auto change = [&app](const char* name, int64_t value, int64_t& field) {
    if (app.count(name) > 0) field = value;
  };
  change("--layers", o.layers, s.layers);
  change("--model_dim", o.model_dim, s.model_dim);
  change("--ffn_dim", o.ffn_dim, s.ffn_dim);
  change("--heads", o.heads, s.heads);
  if (app.count("--heads") > 0) s.kv_heads = o.heads;
  change("--kv_heads", o.kv_heads, s.kv_heads);
  change("--vocab", o.vocab, s.vocab);
  change("--context", o.context, s.context);
  if (app.count("--model_dim") + app.count("--heads") > 0 && s.heads > 0) {
    s.head_dim = s.model_dim / s.heads;
  }
  change("--head_dim", o.head_dim, s.head_dim);
  s.rope_dim = s.head_dim;
  if (o.tied) s.tied_output = true;
  return s;
}

int Make(const CLI::App& app, const Options& o) {
  kernels::ModelShape shape = DefaultShape();
  if (!o.model.empty()) {
    const kernels::NamedShape* named = kernels::FindShape(o.model);
    if (named == nullptr || named->architecture != kernels::Architecture::kLlama) {
      fmt::print(stderr, "make_gguf: --model={} is not known; known: {}\n", o.model, ShapeNames());
      return kWrongUse;
    }
    shape = named->shape;
  }
  shape = Changed(shape, app, o);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed_s = [&start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const unsigned cpus = std::thread::hardware_concurrency();
  kernels::ThreadPool pool(o.threads > 0 ? o.threads : cpus > 0 ? static_cast<int>(cpus) : 1);
  const std::optional<kernels::Format> pure = kernels::FormatFromName(o.format);
  if (pure && !kernels::Info(*pure).gguf_type && !o.mlx) {
    fmt::print(stderr, "make_gguf: --format={}: GGUF has no type for it; --mlx writes it\n",
               o.format);
    return kWrongUse;
  }
  if (o.mlx) shape.rope_layout = kernels::RopeLayout::kHalves;
  const kernels::LoadedModel made = kernels::MakeRandomModel(shape, o.format, o.seed, pool);
  if (!made.model) {
    fmt::print(stderr, "make_gguf: {}\n", made.error);
    return kWrongUse;
  }
  const double made_s = elapsed_s();
  if (o.mlx) {
    if (const std::string error = kernels::WriteMlxFolder(*made.model, o.path); !error.empty()) {
      fmt::print(stderr, "make_gguf: {}\n", error);
      return kFailed;
    }
    fmt::print("{}: {} {}, {:.0f} parameters; made in {:.2f} s, written in {:.2f} s\n", o.path,
               shape.name, o.format, kernels::ParameterCount(shape), made_s, elapsed_s() - made_s);
    return 0;
  }
  const kernels::GgufWriter writer = kernels::ModelGguf(*made.model);
  if (const std::string error = writer.Write(o.path); !error.empty()) {
    fmt::print(stderr, "make_gguf: {}\n", error);
    return kFailed;
  }
  fmt::print("{}: {} {}, {:.0f} parameters, {} bytes; made in {:.2f} s, written in {:.2f} s\n",
             o.path, shape.name, o.format, kernels::ParameterCount(shape), writer.Byte(), made_s,
             elapsed_s() - made_s);
  return 0;
}

}  // namespace
}  // namespace wattline

int main(int argc, char** argv) {
  wattline::Options options;
  CLI::App app("Writes a Llama model with seeded random weights to a GGUF file.", "make_gguf");
  wattline::AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wattline::kWrongUse;
  }
  return wattline::Make(app, options);
}
