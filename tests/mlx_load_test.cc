// Models in MLX's files: what is written comes back bit for bit and gives the same logits.
#include "kernels/model/mlx_load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/float16.h"
#include "kernels/model/load.h"
#include "kernels/model/mlx_writer.h"
#include "kernels/model/tensors.h"
#include "tests/decoder_fixture.h"
#include "tests/mlx_files.h"
#include "tests/same_sizes.h"

namespace wattline::kernels::mlx_load_test {
namespace {

using mlx_files::Json;
using mlx_files::LoadTexts;
using mlx_files::MakeModel;
using mlx_files::Parts;
using mlx_files::PartsOf;
using mlx_files::TinyParts;
using mlx_files::TinyShape;

// The same for groups of 128.
ModelShape WideShape() {
  ModelShape s = TinyShape();
  s.model_dim = 128;
  s.ffn_dim = 256;
  s.head_dim = 32;
  s.rope_dim = 32;
  return s;
}

void ExpectSameTensors(const Model& a, const Model& b) {
  for (const TensorSpec& spec : LlamaTensors(a.shape)) {
    const Matrix x = TensorAt(spec, a), y = TensorAt(spec, b);
    ASSERT_EQ(x.format, y.format) << spec.name;
    ASSERT_EQ(x.Byte(), y.Byte()) << spec.name;
    EXPECT_EQ(std::memcmp(x.data, y.data, static_cast<size_t>(x.Byte())), 0) << spec.name;
  }
}

class MlxRoundTripTest : public testing::TestWithParam<const char*> {};

TEST_P(MlxRoundTripTest, EveryTensorAndEveryNumberComesBack) {
  for (const bool other : {false, true}) {
    ModelShape shape = std::string_view(GetParam()).ends_with("g128") ? WideShape() : TinyShape();
    shape.tied_output = other;
    if (other) shape.rope_layout = RopeLayout::kAdjacent;
    if (other) shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 16};
    shape.rms_eps = 2e-6;
    shape.rope_base = 500000.0;
    const std::shared_ptr<Model> made = MakeModel(shape, GetParam());
    const MlxFiles files = MlxFilesOf(*made);
    ASSERT_EQ(files.error, "");
    const LoadedModel read = LoadTexts(files.config, files.weights);
    ASSERT_TRUE(read.model) << read.error;
    EXPECT_EQ(read.note, "");
    EXPECT_EQ(read.model->format, GetParam());
    EXPECT_FALSE(read.model->is_mapped);
    const ModelShape& s = read.model->shape;
    ExpectSameSizes(s, shape);
    EXPECT_EQ(s.rms_eps, shape.rms_eps);
    EXPECT_EQ(s.rope_layout, shape.rope_layout);
    EXPECT_EQ(s.tied_output, shape.tied_output);
    ExpectSameTensors(*made, *read.model);
    ASSERT_EQ(read.model->rope_factors == nullptr, !other);
    for (int64_t i = 0; other && i < shape.rope_dim / 2; ++i) {
      EXPECT_EQ(read.model->rope_factors[i], made->rope_factors[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, MlxRoundTripTest,
                         testing::Values("f32", "f16", "bf16", "q4_1", "mlx4", "mlx4_g128",
                                         "mlx8_g32", "mlx8", "mlx8_g128", "mxfp4", "nvfp4"));

// As mlx_lm writes it; of modes without biases the folder has none, and norms are bf16.
TEST(MlxWriterTest, TheModeIsSaid) {
  const struct {
    const char* format;
    Json quantisation;
    const char *scales, *norm;
  } cases[] = {
      {"mlx8", {{"group_size", 64}, {"bits", 8}, {"mode", "affine"}}, "F16", "F16"},
      {"mxfp4", {{"group_size", 32}, {"bits", 4}, {"mode", "mxfp4"}}, "U8", "BF16"},
      {"nvfp4", {{"group_size", 16}, {"bits", 4}, {"mode", "nvfp4"}}, "U8", "BF16"},
  };
  for (const auto& c : cases) {
    Parts parts = PartsOf(*MakeModel(TinyShape(), c.format));
    EXPECT_EQ(parts.config["quantization"], c.quantisation);
    EXPECT_EQ(parts.At("lm_head.scales")["dtype"], c.scales);
    EXPECT_EQ(parts.At("model.norm.weight")["dtype"], c.norm);
    EXPECT_EQ(parts.header.contains("lm_head.biases"), std::string_view(c.scales) == "F16");
  }
}

class Folder {
 public:
  Folder()
      : path_(std::filesystem::temp_directory_path() /
              ("mlx_load_test." + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string At(const char* name) const { return path_ / name; }
  void Write(const char* name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  std::filesystem::path path_;
};

TEST(MlxLoadTest, LogitsFromAFolderAreThoseOfTheSameWeights) {
  const std::shared_ptr<Model> made = MakeModel(TinyShape(), "mlx4");
  const Folder folder;
  const std::string path = folder.At("models--some--Tiny_Llama-4bit/snapshots/0123");
  ASSERT_EQ(WriteMlxFolder(*made, path), "");
  const LoadedModel read = LoadModel(path);
  ASSERT_TRUE(read.model) << read.error;
  EXPECT_EQ(read.model->shape.name, "tiny-llama-4bit");
  EXPECT_EQ(LoadModel(path + "/model.safetensors").model->shape.name, "tiny-llama-4bit");
  const std::vector<int32_t> tokens = RandomTokens(11, made->shape.vocab);
  EXPECT_EQ(ReferenceLogits(*read.model, tokens), ReferenceLogits(*made, tokens));
  ThreadPool pool(1);
  for (const Backend* backend : UsableCpuBackends()) {
    const auto logits = [&](const Model& model) {
      const MadeDecoder decoder = backend->decoder(*backend, model, {11, 1, 4}, pool);
      return AllLogits(*decoder.decoder, tokens, 1, 4, model.shape.vocab);
    };
    EXPECT_EQ(logits(*read.model), logits(*made)) << backend->name;
  }
}

// Llamas of one layer, random and in bf16, that mlx_lm 0.32.2 packed and wrote, and the logits of
// MLX 0.32.4 with all arrays of numbers in f32, to 6 decimals. The two differ by the rounding of
// f32: measured 6e-6 where logits reach 8. In tests/data:
// - mlx_llama: affine 4 bit, groups of 64
// - mlx_llama_mxfp4
// - mlx_llama_mixed: affine 8 bit, groups of 64, but attention nvfp4, ffn_up affine 8 bit in groups
//   of 32, ffn_down affine 4 bit in groups of 128
TEST(MlxLoadTest, FoldersThatMlxLmWroteGiveMlxsLogits) {
  for (const auto& [name, format] : {std::pair<const char*, const char*>{"mlx_llama", "mlx4"},
                                     {"mlx_llama_mxfp4", "mxfp4"},
                                     {"mlx_llama_mixed", "mlx8"}}) {
    SCOPED_TRACE(name);
    const std::string folder = std::string(WATTLINE_SOURCE_DIR) + "/tests/data/" + name;
    const LoadedModel read = LoadModel(folder);
    ASSERT_TRUE(read.model) << read.error;
    EXPECT_EQ(read.note, "");
    EXPECT_EQ(read.model->format, format);
    std::ifstream file(folder + "/logits.json");
    const Json want = Json::parse(file);
    const auto tokens = want["tokens"].get<std::vector<int32_t>>();
    const std::vector<float> got = ReferenceLogits(*read.model, tokens);
    ASSERT_EQ(got.size(), tokens.size() * 32);
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], want["logits"][i / 32][i % 32].get<float>(), 3e-5) << i;
    }
  }
}

TEST(MlxLoadTest, ShardsAreReadAsTheIndexSays) {
  const Parts whole = TinyParts();
  Json maps[2];
  Parts shards[2] = {{whole.config, Json::object(), ""}, {whole.config, Json::object(), ""}};
  Json map = Json::object();
  for (const auto& [name, entry] : whole.header.items()) {
    if (name == "__metadata__") continue;
    const int to = name < "model.layers.1" ? 0 : 1;
    const auto begin = entry["data_offsets"][0].get<size_t>();
    const auto end = entry["data_offsets"][1].get<size_t>();
    Json moved = entry;
    const size_t at = shards[to].data.size();
    moved["data_offsets"] = {at, at + end - begin};
    shards[to].data += whole.data.substr(begin, end - begin);
    shards[to].header[name] = moved;
    map[name] = to == 0 ? "a.safetensors" : "b.safetensors";
  }
  const Folder folder;
  folder.Write("config.json", whole.config.dump());
  folder.Write("a.safetensors", shards[0].Weights());
  folder.Write("b.safetensors", shards[1].Weights());
  folder.Write("model.safetensors.index.json", Json{{"weight_map", map}}.dump());
  const LoadedModel read = LoadModel(folder.At(""));
  ASSERT_TRUE(read.model) << read.error;
  ExpectSameTensors(*read.model, *whole.Load().model);

  folder.Write("b.safetensors", shards[0].Weights());
  EXPECT_NE(LoadModel(folder.At("")).error.find("b.safetensors: tensor 'lm_head.biases' is in"),
            std::string::npos);
  map["lm_head.weight"] = "../b.safetensors";
  folder.Write("model.safetensors.index.json", Json{{"weight_map", map}}.dump());
  EXPECT_NE(LoadModel(folder.At("")).error.find("'../b.safetensors', which is no name of a file"),
            std::string::npos);
  folder.Write("model.safetensors.index.json", "[]");
  EXPECT_NE(LoadModel(folder.At("")).error.find("index.json: has no object 'weight_map'"),
            std::string::npos);
  EXPECT_NE(LoadModel("/").error.find("/config.json: cannot open it: No such file"),
            std::string::npos);
}

// MLX's least scale is 1e-7: f16 has multiples of 2^-24 there.
TEST(MlxLoadTest, AScaleBelowF16IsRoundedAndSaid) {
  Parts parts = TinyParts();
  for (const char* name : {"model.embed_tokens.scales", "model.embed_tokens.biases"}) {
    parts.At(name)["dtype"] = "BF16";
    for (int64_t i = 0; i < 40; ++i) {
      const uint16_t bits = Bf16FromFloat(i == 7 ? 1e-7f : 0x1.02p-17f);
      std::memcpy(parts.Data(name) + 2 * i, &bits, 2);
    }
  }
  const LoadedModel read = parts.Load();
  ASSERT_TRUE(read.model) << read.error;
  // 15 steps and a bias, each off by |bf16(1e-7) - 2^-23|.
  const double moved = 16 * (0x1p-23 - static_cast<double>(FloatFromBf16(Bf16FromFloat(1e-7f))));
  char number[16];
  snprintf(number, sizeof number, "%.1e", moved);
  EXPECT_NE(read.note.find("model.safetensors: 1 of "), std::string::npos) << read.note;
  EXPECT_TRUE(read.note.ends_with(std::string("moved by up to ") + number)) << read.note;
}

TEST(MlxLoadTest, AModuleMayHaveAModeOfItsOwn) {
  Parts parts = PartsOf(*MakeModel(TinyShape(), "mlx8"));
  const Parts other = PartsOf(*MakeModel(TinyShape(), "mxfp4"));
  for (const char* name : {"lm_head.weight", "lm_head.scales"}) {
    const auto begin = other.header.at(name).at("data_offsets").at(0).get<size_t>();
    const auto end = other.header.at(name).at("data_offsets").at(1).get<size_t>();
    parts.At(name) = other.header.at(name);
    parts.At(name)["data_offsets"] = {parts.data.size(), parts.data.size() + end - begin};
    parts.data += other.data.substr(begin, end - begin);
  }
  parts.header.erase("lm_head.biases");
  EXPECT_NE(parts.Load().error.find("tensor 'lm_head.weight' is packed as mxfp4, but config.json "
                                    "says mode 'affine'"),
            std::string::npos);
  parts.config["quantization"]["lm_head"] = {{"group_size", 32}, {"bits", 4}, {"mode", "mxfp4"}};
  const LoadedModel read = parts.Load();
  ASSERT_TRUE(read.model) << read.error;
  EXPECT_EQ(read.model->output.format, Format::kMxfp4);
  EXPECT_EQ(read.model->token_embd.format, Format::kMlx8);
  EXPECT_EQ(read.model->format, "mlx8");
}

TEST(MlxLoadTest, WhatMlxLmLeavesOutIsLeftOut) {
  Parts parts = TinyParts();
  parts.config["tie_word_embeddings"] = true;
  parts.At("model.layers.0.self_attn.rotary_emb.inv_freq") = {
      {"dtype", "F32"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
  const LoadedModel read = parts.Load();
  ASSERT_TRUE(read.model) << read.error;
  EXPECT_TRUE(read.model->shape.tied_output);
  EXPECT_EQ(read.model->output.data, read.model->token_embd.data);
}

TEST(MlxLoadTest, LinearScalingDividesPositions) {
  Parts parts = TinyParts();
  parts.config["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  const LoadedModel read = parts.Load();
  ASSERT_TRUE(read.model) << read.error;
  for (int64_t i = 0; i < 8; ++i) EXPECT_EQ(read.model->rope_factors[i], 4.0f);
}

TEST(MlxWriterTest, WhatMlxHasNoWordForIsRefused) {
  EXPECT_NE(MlxFilesOf(*MakeModel(SmallShape(), "q4_k_m")).error.find("blocks of q4_k"),
            std::string::npos);
  ModelShape partial = TinyShape();
  partial.rope_dim = 8;
  EXPECT_NE(MlxFilesOf(*MakeModel(partial, "f16")).error.find("rope_dim is 8"), std::string::npos);
  EXPECT_NE(WriteMlxFolder(*MakeModel(TinyShape(), "f16"), "/dev/null/x").find("/dev/null/x: "),
            std::string::npos);
}

}  // namespace
}  // namespace wattline::kernels::mlx_load_test
