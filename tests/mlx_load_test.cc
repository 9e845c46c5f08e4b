// Models in MLX's files: what is written comes back bit for bit and gives the same logits; every
// lie of a file has its own sentence.
#include "kernels/model/mlx_load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/dequant/dequant.h"
#include "kernels/float16.h"
#include "kernels/float8.h"
#include "kernels/model/load.h"
#include "kernels/model/mlx_blocks.h"
#include "kernels/model/mlx_writer.h"
#include "kernels/model/tensors.h"
#include "tests/decoder_fixture.h"
#include "tests/same_sizes.h"

namespace wattline::kernels::mlx_load_test {
namespace {

using Json = nlohmann::ordered_json;

// The smallest that groups of 64 divide.
ModelShape TinyShape() {
  ModelShape s = SmallShape();
  s.layers = 2;
  s.model_dim = 64;
  s.ffn_dim = 128;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.vocab = 40;
  s.rope_dim = 16;
  s.rope_layout = RopeLayout::kHalves;
  return s;
}

// The same for groups of 128.
ModelShape WideShape() {
  ModelShape s = TinyShape();
  s.model_dim = 128;
  s.ffn_dim = 256;
  s.head_dim = 32;
  s.rope_dim = 32;
  return s;
}

// With norms that f16 and bf16 hold, as the file's are.
std::shared_ptr<Model> MakeModel(const ModelShape& shape, const char* format) {
  const std::shared_ptr<Model> model = SmallModel(shape, format);
  auto norms = std::make_shared<std::vector<std::vector<float>>>();
  const auto round = [&](const float*& norm) {
    std::vector<float> rounded(norm, norm + shape.model_dim);
    for (float& x : rounded) x = FloatFromBf16(Bf16FromFloat(x));
    norms->push_back(std::move(rounded));
    norm = norms->back().data();
  };
  for (Layer& layer : model->layers) {
    round(layer.attn_norm);
    round(layer.ffn_norm);
  }
  round(model->output_norm);
  model->storage =
      std::make_shared<std::pair<decltype(model->storage), decltype(norms)>>(model->storage, norms);
  return model;
}

std::span<const std::byte> BytesOf(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

LoadedModel LoadTexts(const std::string& config, const std::string& weights) {
  return LoadMlxFromMemory({"config.json", BytesOf(config)},
                           {{"model.safetensors", BytesOf(weights)}});
}

// A file's parts, to be made lies.
struct Parts {
  Json config, header;
  std::string data;

  std::string Weights() const {
    const std::string text = header.dump();
    const uint64_t byte = text.size();
    return std::string(reinterpret_cast<const char*>(&byte), sizeof byte) + text + data;
  }
  LoadedModel Load() const { return LoadTexts(config.dump(), Weights()); }
  Json& At(const char* name) { return header[name]; }
  // The bytes of a tensor.
  char* Data(const char* name) {
    return data.data() + header.at(name).at("data_offsets").at(0).get<size_t>();
  }
};

Parts PartsOf(const Model& model) {
  const MlxFiles files = MlxFilesOf(model);
  uint64_t byte = 0;
  std::memcpy(&byte, files.weights.data(), sizeof byte);
  return {Json::parse(files.config), Json::parse(files.weights.substr(8, byte)),
          files.weights.substr(8 + byte)};
}
// The matrix has so many columns, of `byte` bytes each, at the same place.
void Resize(Json& entry, int64_t cols, int64_t byte) {
  const auto rows = entry["shape"][0].get<int64_t>();
  const auto begin = entry["data_offsets"][0].get<int64_t>();
  entry["shape"][1] = cols;
  entry["data_offsets"][1] = begin + rows * cols * byte;
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

Parts TinyParts() {
  static const std::shared_ptr<Model> model = MakeModel(TinyShape(), "mlx4");
  return PartsOf(*model);
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

// w = scale q + bias from the 32-bit words themselves, as MLX's documentation has it.
TEST(MlxBlocksTest, BlocksHoldTheValuesOfTheWords) {
  for (const Format format : {Format::kMlx4, Format::kQ4_1, Format::kMlx4G128, Format::kMlx8G32,
                              Format::kMlx8, Format::kMlx8G128}) {
    const MlxPacking packing = *PackingOf(format);
    EXPECT_EQ(FormatOf(packing), format);
    constexpr int64_t kGroups = 6;
    const int64_t cols = kGroups * packing.group;
    Random random(9);
    std::vector<uint32_t> words(static_cast<size_t>(cols * packing.bits / 32));
    for (uint32_t& word : words) word = static_cast<uint32_t>(random.Next());
    for (const bool bf16 : {false, true}) {
      std::vector<uint16_t> scales, biases;
      for (int64_t i = 0; i < kGroups; ++i) {
        const float scale = 0.01f * random.Normal(), bias = 0.1f * random.Normal();
        scales.push_back(bf16 ? Bf16FromFloat(scale) : F16FromFloat(scale));
        biases.push_back(bf16 ? Bf16FromFloat(bias) : F16FromFloat(bias));
      }
      std::vector<std::byte> blocks(static_cast<size_t>(RowByte(format, cols)));
      HalfRounding rounding;
      const auto at = [](const auto& list) {
        return reinterpret_cast<const std::byte*>(list.data());
      };
      ASSERT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), at(biases), bf16},
                           blocks.data(), rounding),
                "");
      EXPECT_EQ(rounding.groups, kGroups);
      EXPECT_EQ(rounding.rounded, 0);
      std::vector<double> got(static_cast<size_t>(cols));
      DequantReference(format, blocks.data(), cols, got.data());
      for (int64_t i = 0; i < cols; ++i) {
        const auto group = static_cast<size_t>(i / packing.group);
        const int64_t per_word = 32 / packing.bits;
        const uint32_t q =
            words[static_cast<size_t>(i / per_word)] >> (i % per_word * packing.bits) &
            ((1u << packing.bits) - 1);
        const auto value = [bf16](uint16_t bits) -> double {
          return bf16 ? FloatFromBf16(bits) : FloatFromF16(bits);
        };
        ASSERT_EQ(got[static_cast<size_t>(i)], value(scales[group]) * q + value(biases[group]))
            << Info(format).name << " " << i;
      }
    }
  }
}

// w = scale q, code for code.
TEST(MlxBlocksTest, BlocksHoldTheValuesOfBytesAndCodes) {
  for (const Format format : {Format::kMxfp4, Format::kNvfp4}) {
    const MlxPacking packing = *PackingOf(format);
    EXPECT_EQ(FormatOf(packing), format);
    EXPECT_EQ(PackingText(packing), Info(format).name);
    constexpr int64_t kGroups = 6;
    const int64_t cols = kGroups * packing.group;
    Random random(9);
    std::vector<uint32_t> words(static_cast<size_t>(cols / 8));
    for (uint32_t& word : words) word = static_cast<uint32_t>(random.Next());
    std::vector<uint8_t> scales(kGroups);
    for (uint8_t& scale : scales) scale = static_cast<uint8_t>(random.Next() % 127);
    const auto at = [](auto& list) { return reinterpret_cast<std::byte*>(list.data()); };
    std::vector<std::byte> blocks(static_cast<size_t>(RowByte(format, cols)));
    HalfRounding rounding;
    ASSERT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), nullptr, false}, blocks.data(),
                         rounding),
              "");
    std::vector<double> got(static_cast<size_t>(cols));
    DequantReference(format, blocks.data(), cols, got.data());
    for (int64_t i = 0; i < cols; ++i) {
      const int code = static_cast<int>(words[static_cast<size_t>(i / 8)] >> (i % 8 * 4) & 15);
      const int scale = scales[static_cast<size_t>(i / packing.group)];
      ASSERT_EQ(got[static_cast<size_t>(i)],
                (format == Format::kMxfp4 ? FromE8M0(scale) : FromE4M3(scale)) * FromE2M1(code))
          << Info(format).name << " " << i;
    }
    std::vector<uint32_t> words_back(words.size());
    std::vector<uint8_t> scales_back(scales.size());
    UnpackBlocks(format, kGroups, blocks.data(), {at(words_back), at(scales_back), nullptr});
    EXPECT_EQ(words_back, words);
    EXPECT_EQ(scales_back, scales);
    for (int code = 0; code < 256; ++code) {
      scales[3] = static_cast<uint8_t>(code);
      const bool good = format == Format::kMxfp4 ? code <= 252 : (code & 127) != 127;
      EXPECT_EQ(PackBlocks(format, kGroups, {at(words), at(scales), nullptr, false}, blocks.data(),
                           rounding)
                    .empty(),
                good)
          << code;
    }
  }
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

// What is wrong with scales of one byte.
TEST(MlxLoadTest, AFolderOfMxfp4HasItsOwnSentences) {
  const Parts good = PartsOf(*MakeModel(TinyShape(), "mxfp4"));
  const auto error_of = [&good](const std::function<void(Parts&)>& tell) {
    Parts parts = good;
    tell(parts);
    return parts.Load().error;
  };
  const auto ends = [](const std::string& text, const char* end) {
    EXPECT_TRUE(text.ends_with(end)) << text;
  };
  ends(
      error_of([](Parts& p) { p.Data("lm_head.scales")[5] = '\xff'; }),
      "tensor 'lm_head.weight' group 5 has the scale code 255, which is NaN or passes f32's range");
  ends(error_of([](Parts& p) { p.config["quantization"]["mode"] = "nvfp4"; }),
       "is packed as mxfp4, but config.json says mode 'nvfp4'");
  ends(error_of([](Parts& p) { p.config["quantization"].erase("mode"); }),
       "is packed as mxfp4, but config.json says mode 'affine'");
  ends(error_of([](Parts& p) {
         p.At("lm_head.biases") = p.At("lm_head.scales");
         p.data.resize(p.data.size() + 80);
         p.At("lm_head.biases")["data_offsets"] = {p.data.size() - 80, p.data.size()};
       }),
       "tensor 'lm_head.biases' has no place: the weights are packed as mxfp4");
  // Twice as many words for the same groups: E4M3 weights.
  ends(error_of([](Parts& p) {
         Resize(p.At("lm_head.weight"), 16, 4);
         p.data.resize(p.data.size() + 40 * 16 * 4);
         p.At("lm_head.weight")["data_offsets"] = {p.data.size() - 40 * 16 * 4, p.data.size()};
       }),
       "is packed as mxfp8 8 bit, groups of 32; supported: affine 4 bit, groups of 32; affine 4 "
       "bit, groups of 64; affine 4 bit, groups of 128; affine 8 bit, groups of 32; affine 8 bit, "
       "groups of 64; affine 8 bit, groups of 128; mxfp4; nvfp4");
}

struct Lie {
  const char* name;
  std::function<void(Parts&)> tell;
  const char* sentence;
};
void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }

void PutScale(Parts& parts, uint16_t bits) {
  std::memcpy(parts.Data("model.layers.1.mlp.up_proj.scales") + 6, &bits, 2);
}

constexpr char kDown[] = "model.layers.0.mlp.down_proj.weight";
const Lie kLies[] = {
    {"UnknownDtype", [](Parts& p) { p.At(kDown)["dtype"] = "U33"; },
     "model.safetensors: tensor 'model.layers.0.mlp.down_proj.weight' has the unknown dtype 'U33'"},
    {"NoDtype", [](Parts& p) { p.At(kDown).erase("dtype"); }, "has no dtype"},
    {"NoObject", [](Parts& p) { p.At(kDown) = 3; }, "down_proj.weight' has no dtype"},
    {"NoShape",
     [](Parts& p) {
       p.At(kDown)["shape"] = {64, -1};
     },
     "has no shape of whole numbers"},
    {"HugeShape",
     [](Parts& p) {
       p.At(kDown)["shape"] = {1l << 40, 1l << 40};
     },
     "has 1099511627776 in its shape, but may have at most 2^48 elements"},
    {"OtherShape",
     [](Parts& p) {
       p.At("model.norm.weight")["shape"] = {32, 2};
     },
     "has the shape [32, 2], but by config.json it must be [64]"},
    {"TooSmall",
     [](Parts& p) {
       p.At(kDown)["shape"] = {64, 15};
     },
     "but [64, 15] of U32 need 3840"},
    {"NoOffsets", [](Parts& p) { p.At(kDown)["data_offsets"] = {1}; }, "has no data_offsets"},
    {"Backwards",
     [](Parts& p) {
       p.At(kDown)["data_offsets"] = {8, 4};
     },
     "has data_offsets 8 to 4"},
    {"Behind",
     [](Parts& p) {
       p.At(kDown)["data_offsets"] = {1l << 60, (1l << 60) + 4096};
     },
     "the file is truncated or damaged"},
    {"Truncated", [](Parts& p) { p.data.pop_back(); }, "the file is truncated or damaged"},
    {"Overlap",
     [](Parts& p) {
       p.At(kDown)["data_offsets"] = {0, 4096};
     },
     "overlaps tensor "},
    {"Missing", [](Parts& p) { p.header.erase("model.norm.weight"); },
     "model.safetensors: tensor 'model.norm.weight' is missing"},
    {"NoBiases", [](Parts& p) { p.header.erase("lm_head.biases"); },
     "tensor 'lm_head.biases' is missing"},
    {"NoScales", [](Parts& p) { p.header.erase("lm_head.scales"); },
     "tensor 'lm_head.weight' has dtype U32 without scales"},
    {"Foreign",
     [](Parts& p) {
       p.At("model.layers.2.mlp.up_proj.weight") = p.At(kDown);
       p.At("model.layers.2.mlp.up_proj.weight")["data_offsets"] = {0, 0};
       p.At("model.layers.2.mlp.up_proj.weight")["shape"] = {0};
     },
     "tensor 'model.layers.2.mlp.up_proj.weight' is no part of a Llama model"},
    {"Bias",
     [](Parts& p) {
       p.At("model.layers.0.self_attn.q_proj.bias") = {
           {"dtype", "F16"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
     },
     "q_proj.bias' is a bias; only Llama models without biases"},
    {"ScalesOfF32", [](Parts& p) { p.At("lm_head.scales")["dtype"] = "U16"; },
     "tensor 'lm_head.scales' has dtype U16 and the biases have F16"},
    {"InfiniteScale", [](Parts& p) { PutScale(p, 0x7c00); },
     "up_proj.weight' group 3 has a scale that is not finite"},
    {"NanNorm", [](Parts& p) { std::memset(p.Data("model.norm.weight") + 4, 0xff, 2); },
     "tensor 'model.norm.weight' has the element "},
    {"Bits3", [](Parts& p) { Resize(p.At(kDown), 12, 4); },
     "is packed as affine 3 bit, groups of 64; supported: affine 4 bit, groups of 32; affine 4 "
     "bit, groups of 64"},
    {"Bits3OfHalf", [](Parts& p) { Resize(p.At(kDown), 11, 4); },
     "has the shape [64, 11] and its scales have [64, 2], which is no packing of 128 columns"},
    {"NoGroups", [](Parts& p) { Resize(p.At("model.layers.0.mlp.down_proj.scales"), 0, 2); },
     "and its scales have [64, 0], which is no packing"},
    {"BiasesOfOtherGroups",
     [](Parts& p) { Resize(p.At("model.layers.0.mlp.down_proj.biases"), 1, 2); },
     "down_proj.biases' has the shape [64, 1], but by config.json it must be [64, 2]"},
    {"ModuleOtherwise",
     [](Parts& p) {
       p.config["quantization"]["lm_head"] = {{"group_size", 64}, {"bits", 6}};
     },
     "tensor 'lm_head.weight' is packed as affine 4 bit, groups of 64, but config.json says affine "
     "6 bit, groups of 64"},
    {"ModuleWithoutBits",
     [](Parts& p) {
       p.config["quantization"]["lm_head"] = {{"group_size", 64}};
     },
     "key 'quantization.lm_head.bits' is missing"},
    {"Sliding",
     [](Parts& p) {
       p.config["layer_types"] = {"full_attention", "sliding_attention"};
     },
     "key 'layer_types' is a list or an object, and must be full_attention"},
    {"Gptq",
     [](Parts& p) {
       p.config.erase("quantization");
       p.config["quantization_config"] = {{"quant_method", "gptq"}};
     },
     "config.json: key 'quantization_config' is a list or an object, and is not MLX's"},
    {"OtherModel", [](Parts& p) { p.config["model_type"] = "qwen2"; },
     "config.json: its model_type is 'qwen2'; supported: llama, mistral"},
    {"NoType", [](Parts& p) { p.config.erase("model_type"); }, "key 'model_type' is missing"},
    {"NegativeLayers", [](Parts& p) { p.config["num_hidden_layers"] = -3; },
     "key 'num_hidden_layers' is '-3', but must be a whole number"},
    {"NoHidden", [](Parts& p) { p.config.erase("hidden_size"); }, "key 'hidden_size' is missing"},
    {"TextEps", [](Parts& p) { p.config["rms_norm_eps"] = "small"; },
     "key 'rms_norm_eps' is '\"small\"', but must be a finite number"},
    {"ZeroEps", [](Parts& p) { p.config["rms_norm_eps"] = 0; }, "rms_eps"},
    {"Yarn",
     [](Parts& p) {
       p.config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4.0}};
     },
     "key 'rope_scaling.type' is '\"yarn\"', but is supported as default, linear or llama3 only"},
    {"Llama3WithoutFactor",
     [](Parts& p) {
       p.config["rope_scaling"] = {{"rope_type", "llama3"}};
     },
     "key 'rope_scaling.factor' is missing"},
    {"Gelu", [](Parts& p) { p.config["hidden_act"] = "gelu"; }, "'hidden_act' is '\"gelu\"'"},
    {"AttentionBias", [](Parts& p) { p.config["attention_bias"] = true; },
     "key 'attention_bias' is 'true', but only Llama models without biases"},
    {"UntiedWithoutOutput",
     [](Parts& p) {
       for (const char* part : {"lm_head.weight", "lm_head.scales", "lm_head.biases"}) {
         p.header.erase(part);
       }
     },
     "tensor 'lm_head.weight' is missing"},
};

class MlxLieTest : public testing::TestWithParam<Lie> {};

TEST_P(MlxLieTest, HasItsOwnSentence) {
  Parts parts = TinyParts();
  GetParam().tell(parts);
  const LoadedModel read = parts.Load();
  EXPECT_EQ(read.model, nullptr);
  EXPECT_NE(read.error.find(GetParam().sentence), std::string::npos) << read.error;
  EXPECT_EQ(read.error.find('\n'), std::string::npos) << read.error;
}

INSTANTIATE_TEST_SUITE_P(Lies, MlxLieTest, testing::ValuesIn(kLies),
                         [](const auto& lie) { return std::string(lie.param.name); });

TEST(MlxLoadTest, NoCutFileLoads) {
  const Parts parts = TinyParts();
  const std::string config = parts.config.dump(), weights = parts.Weights();
  const size_t header = weights.size() - parts.data.size();
  for (size_t length = 0; length < weights.size();
       length += length < header + 64 ? 7 : weights.size() / 97) {
    // On the heap and no longer than said, so that a sanitizer sees what lies behind.
    const std::vector<char> cut(weights.begin(),
                                weights.begin() + static_cast<std::ptrdiff_t>(length));
    const LoadedModel read = LoadMlxFromMemory(
        {"config.json", BytesOf(config)}, {{"cut", std::as_bytes(std::span<const char>(cut))}});
    ASSERT_EQ(read.model, nullptr) << length;
    ASSERT_EQ(read.error.find("cut: "), 0u) << read.error;
  }
  for (size_t length = 0; length < config.size(); length += 5) {
    EXPECT_NE(LoadTexts(config.substr(0, length), weights).error, "") << length;
  }
  std::string twice = parts.header.dump();
  twice.insert(1, "\"model.norm.weight\":{},");
  const uint64_t byte = twice.size();
  EXPECT_NE(
      LoadTexts(config, std::string(reinterpret_cast<const char*>(&byte), 8) + twice + parts.data)
          .error.find("names tensor 'model.norm.weight' twice"),
      std::string::npos);
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
