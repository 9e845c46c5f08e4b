// Every lie of MLX's files has its own sentence, and no cut file loads.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "kernels/model/load.h"
#include "kernels/model/mlx_load.h"
#include "tests/mlx_files.h"

namespace wattline::kernels::mlx_lies_test {
namespace {

using mlx_files::BytesOf;
using mlx_files::Json;
using mlx_files::LoadTexts;
using mlx_files::MakeModel;
using mlx_files::Parts;
using mlx_files::PartsOf;
using mlx_files::TinyParts;
using mlx_files::TinyShape;

// The matrix has so many columns, of `byte` bytes each, at the same place.
void Resize(Json& entry, int64_t cols, int64_t byte) {
  const auto rows = entry["shape"][0].get<int64_t>();
  const auto begin = entry["data_offsets"][0].get<int64_t>();
  entry["shape"][1] = cols;
  entry["data_offsets"][1] = begin + rows * cols * byte;
}

// What is wrong with scales of one byte.
TEST(MlxFileTest, AFolderOfMxfp4HasItsOwnSentences) {
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

TEST(MlxFileTest, NoCutFileLoads) {
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

}  // namespace
}  // namespace wattline::kernels::mlx_lies_test
