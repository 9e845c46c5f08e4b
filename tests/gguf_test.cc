// The GGUF reader: every lie of a file has its own sentence, and no cut file does harm.
#include "kernels/model/gguf.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/model/load.h"
#include "tests/gguf_bytes.h"

namespace wattline::kernels::gguf_test {
namespace {

struct Malformation {
  const char* name;
  std::function<void(TestGguf&)> change;
  const char* sentence;  // a part of the error that names value and place
};

void PrintTo(const Malformation& malformation, std::ostream* out) { *out << malformation.name; }

class MalformedGgufTest : public testing::TestWithParam<Malformation> {};

TEST_P(MalformedGgufTest, HasItsOwnSentence) {
  TestGguf gguf;
  GetParam().change(gguf);
  const LoadedModel loaded = LoadBytes(gguf.File());
  EXPECT_EQ(loaded.model, nullptr);
  EXPECT_EQ(loaded.error.find("test.gguf: "), 0u) << loaded.error;
  EXPECT_NE(loaded.error.find(GetParam().sentence), std::string::npos) << loaded.error;
  EXPECT_EQ(loaded.error.find('\n'), std::string::npos) << loaded.error;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string Array(uint32_t type, uint64_t count, std::string_view data = {}) {
  return Bytes().Put<uint32_t>(9).Put(type).Put(count).Raw(data).str();
}

const Malformation kContainer[] = {
    {"Version1", [](TestGguf& g) { g.version = 1; }, "GGUF version 1 (bytes 4 to 7)"},
    {"BigEndian", [](TestGguf& g) { g.version = 0x03000000; }, "big-endian"},
    {"TooManyTensors", [](TestGguf& g) { g.extra_tensors = 1 << 20; },
     "says at byte 8 that it has 1048587 tensors"},
    {"AbsurdTensors", [](TestGguf& g) { g.extra_tensors = -12; },
     "it has 18446744073709551615 tensors"},
    {"TooManyPairs", [](TestGguf& g) { g.extra_pairs = int64_t{1} << 60; },
     "says at byte 16 that it has 1152921504606846985 metadata pairs"},
    {"OnePairTooMany", [](TestGguf& g) { g.extra_pairs = 1; }, "the name of tensor 0 at byte"},
    {"OneTensorTooMany", [](TestGguf& g) { g.extra_tensors = 1; }, "tensor 11"},
    {"DuplicateKey", [](TestGguf& g) { g.pairs.push_back(g.pairs[2]); },
     "key 'llama.block_count' occurs twice, again at byte"},
    {"EmptyKey", [](TestGguf& g) { g.pairs.push_back(U32("", 1)); }, "metadata key 9 at byte"},
    {"UnknownValueType",
     [](TestGguf& g) {
       g.Set({"x", Bytes().Put<uint32_t>(13).str()});
     },
     "key 'x' has value type 13"},
    {"LongText",
     [](TestGguf& g) {
       g.Set({"x", Bytes().Put<uint32_t>(8).Put<uint64_t>(~uint64_t{0}).str()});
     },
     "key 'x' at byte 420 says that it has 18446744073709551615 bytes"},
    {"LongKey",
     [](TestGguf& g) {
       g.extra_pairs = 1;
       g.pairs.push_back({std::string(), std::string()});
       g.pairs.back().key = "k";
       g.pairs.back().value =
           Bytes().Put<uint32_t>(4).Put<uint32_t>(1).Put<uint64_t>(uint64_t{1} << 40).str();
     },
     "metadata key 10 at byte"},
    {"LongArray",
     [](TestGguf& g) {
       g.Set({"x", Array(4, uint64_t{1} << 62)});
     },
     "that its array has 4611686018427387904 elements"},
    {"LongArrayOfTexts",
     [](TestGguf& g) {
       g.Set({"x", Array(8, uint64_t{1} << 61)});
     },
     "that its array has 2305843009213693952 elements"},
    {"TextInArrayTooLong",
     [](TestGguf& g) {
       g.Set({"x", Array(8, 1, Bytes().Put<uint64_t>(1 << 30).str())});
     },
     "a string in key 'x'"},
    {"ArrayOfArrays",
     [](TestGguf& g) {
       g.Set({"x", Array(9, 1)});
     },
     "array of arrays"},
    {"ArrayOfUnknown",
     [](TestGguf& g) {
       g.Set({"x", Array(77, 1)});
     },
     "has value type 77"},
    {"TruthOf2",
     [](TestGguf& g) {
       g.Set({"x", Bytes().Put<uint32_t>(7).Put<uint8_t>(2).str()});
     },
     "is a truth value of 2"},
    {"AlignmentNoPower", [](TestGguf& g) { g.Set(U32("general.alignment", 24)); },
     "'general.alignment' is 24"},
    {"Alignment0", [](TestGguf& g) { g.Set(U32("general.alignment", 0)); },
     "'general.alignment' is 0"},
    {"Alignment4", [](TestGguf& g) { g.Set(U32("general.alignment", 4)); },
     "'general.alignment' is 4"},
    {"AlignmentHuge", [](TestGguf& g) { g.Set(U32("general.alignment", 1u << 31)); },
     "'general.alignment' is 2147483648"},
    {"AlignmentText", [](TestGguf& g) { g.Set(Text("general.alignment", "32")); },
     "'general.alignment' is no unsigned integer"},
    {"DuplicateTensor", [](TestGguf& g) { g.tensors.push_back(g.tensors[2]); },
     "tensor 'blk.0.attn_q.weight' occurs twice, again at byte"},
    {"EmptyTensorName", [](TestGguf& g) { g.tensors[3].name.clear(); }, "name of tensor 3 at byte"},
    {"NoDimensions", [](TestGguf& g) { g.tensors[0].ne.clear(); }, "has 0 dimensions"},
    {"FiveDimensions",
     [](TestGguf& g) {
       g.tensors[0].ne = {1, 1, 1, 1, 1};
     },
     "has 5 dimensions"},
    {"Dimension0",
     [](TestGguf& g) {
       g.tensors[0].ne = {32, 0};
     },
     "dimension 1 of tensor 'token_embd.weight' is 0"},
    {"DimensionNegative",
     [](TestGguf& g) {
       g.tensors[0].ne = {32, ~uint64_t{7}};
     },
     "'token_embd.weight' is -8"},
    {"DimensionsOverflow",
     [](TestGguf& g) {
       g.tensors[0].ne = {uint64_t{1} << 32, uint64_t{1} << 32, 4};
     },
     "at most 2^48 elements"},
    {"UnsupportedType", [](TestGguf& g) { g.tensors[2].type = 6; },
     "tensor 'blk.0.attn_q.weight' has type Q5_0 (code 6); supported: F32, F16, BF16, Q8_0, Q4_0, "
     "Q4_1, Q4_K, Q5_K, Q6_K"},
    {"UnknownType", [](TestGguf& g) { g.tensors[2].type = 999; }, "has type unknown (code 999)"},
    {"BlockMultiple", [](TestGguf& g) { g.tensors[2].type = 12; },
     "rows of 32 elements, no multiple of the 256 in a block of q4_k"},
    {"OffsetUnaligned", [](TestGguf& g) { g.tensors[2].offset_change_byte = 8; },
     "no multiple of the alignment 32"},
    {"OffsetBehind", [](TestGguf& g) { g.tensors.back().offset_change_byte = 1 << 20; },
     "tensor 'output_norm.weight' needs 128 bytes at offset"},
    {"OffsetOverflows", [](TestGguf& g) { g.tensors[0].offset_change_byte = -32; },
     "offset 18446744073709551584"},
    {"Overlap", [](TestGguf& g) { g.tensors[3].offset_change_byte = -32; },
     "tensor 'blk.0.attn_k.weight' at offset 5216 of the data overlaps tensor "
     "'blk.0.attn_q.weight' at offset 1152"},
    {"SameOffset", [](TestGguf& g) { g.tensors[1].offset_change_byte = -1024; }, "overlaps"},
};

const Malformation kModel[] = {
    {"NoArchitecture", [](TestGguf& g) { g.Drop("general.architecture"); },
     "key 'general.architecture' is missing"},
    {"OtherArchitecture", [](TestGguf& g) { g.Set(Text("general.architecture", "qwen2")); },
     "its architecture is 'qwen2'; supported: llama"},
    {"ArchitectureBeforeType",
     [](TestGguf& g) {
       g.Set(Text("general.architecture", "gpt-oss"));
       g.tensors[0].type = 39;
     },
     "its architecture is 'gpt-oss'"},
    {"UnprintableArchitecture",
     [](TestGguf& g) { g.Set(Text("general.architecture", "\x1b[31m\n")); }, "'?[31m?'"},
    {"ArchitectureNumber", [](TestGguf& g) { g.Set(U32("general.architecture", 3)); },
     "key 'general.architecture' is an unsigned integer, but must be text"},
    {"NoLayers", [](TestGguf& g) { g.Drop("llama.block_count"); },
     "key 'llama.block_count' is missing"},
    {"ZeroLayers", [](TestGguf& g) { g.Set(U32("llama.block_count", 0)); },
     "layers (block_count) is 0"},
    {"NegativeLayers", [](TestGguf& g) { g.Set(I32("llama.block_count", -3)); },
     "key 'llama.block_count' is -3, but must not be negative"},
    {"AbsurdLayers", [](TestGguf& g) { g.Set(U64("llama.block_count", ~uint64_t{0})); },
     "is 18446744073709551615, which is absurd"},
    {"ManyLayers", [](TestGguf& g) { g.Set(U64("llama.block_count", 1 << 30)); },
     "layers (block_count) is 1073741824, but must be 1 to 4096"},
    {"LayersMissing", [](TestGguf& g) { g.Set(U32("llama.block_count", 2)); },
     "tensor 'blk.1.attn_norm.weight' is missing"},
    {"LayersAsText", [](TestGguf& g) { g.Set(Text("llama.block_count", "1")); },
     "is text, but must be one integer"},
    {"HeadsPerLayer",
     [](TestGguf& g) {
       g.Set({"llama.attention.head_count", Array(4, 1, Bytes().Put<uint32_t>(2).str())});
     },
     "is an array, but must be one integer"},
    {"HeadsZero", [](TestGguf& g) { g.Set(U32("llama.attention.head_count", 0)); },
     "heads (attention.head_count) is 0"},
    {"HeadsDoNotDivide", [](TestGguf& g) { g.Set(U32("llama.attention.head_count", 3)); },
     "embedding_length, 32, is no multiple of attention.head_count, 3"},
    {"KvHeadsDoNotDivide", [](TestGguf& g) { g.Set(U32("llama.attention.head_count_kv", 3)); },
     "must be a multiple of kv_heads (attention.head_count_kv), 3"},
    {"OddHeadDim", [](TestGguf& g) { g.Set(U32("llama.attention.key_length", 20)); },
     "head_dim (attention.key_length) is 20, but must be a multiple of 16"},
    {"OtherValueDim", [](TestGguf& g) { g.Set(U32("llama.attention.value_length", 32)); },
     "'llama.attention.value_length' is 32, but must equal key_length, 16"},
    {"OddRopeDim", [](TestGguf& g) { g.Set(U32("llama.rope.dimension_count", 7)); },
     "rope_dim (rope.dimension_count) is 7"},
    {"RopeNan", [](TestGguf& g) { g.Set(F32("llama.rope.freq_base", kNan)); },
     "key 'llama.rope.freq_base' is nan, but must be finite"},
    {"RopeNegative", [](TestGguf& g) { g.Set(F32("llama.rope.freq_base", -1.0f)); },
     "rope_base (rope.freq_base) is -1"},
    {"NoEps", [](TestGguf& g) { g.Drop("llama.attention.layer_norm_rms_epsilon"); },
     "key 'llama.attention.layer_norm_rms_epsilon' is missing"},
    {"EpsInfinite",
     [](TestGguf& g) { g.Set(F32("llama.attention.layer_norm_rms_epsilon", kInfinity)); },
     "is inf, but must be finite"},
    {"EpsHuge", [](TestGguf& g) { g.Set(F32("llama.attention.layer_norm_rms_epsilon", 5.0f)); },
     "rms_eps (attention.layer_norm_rms_epsilon) is 5"},
    {"Yarn", [](TestGguf& g) { g.Set(Text("llama.rope.scaling.type", "yarn")); },
     "'llama.rope.scaling.type' is 'yarn'; supported: none, linear, llama3"},
    {"Llama3WithoutFactors", [](TestGguf& g) { g.Set(Text("llama.rope.scaling.type", "llama3")); },
     "tensor 'rope_freqs.weight' is missing"},
    {"LinearAbsurd", [](TestGguf& g) { g.Set(F32("llama.rope.scaling.factor", -4.0f)); },
     "'llama.rope.scaling.factor' is -4"},
    {"FactorsOfOtherLength", [](TestGguf& g) { g.Add("rope_freqs.weight", {9}); },
     "has 9 x 1 elements, but must have rope_dim / 2, 8"},
    {"Experts", [](TestGguf& g) { g.Set(U32("llama.expert_count", 8)); },
     "key 'llama.expert_count' is 8; mixtures of experts are not supported"},
    {"ExpertTensor",
     [](TestGguf& g) {
       g.Add("blk.0.ffn_gate_exps.weight", {32, 8, 2});
     },
     "'blk.0.ffn_gate_exps.weight' belongs to a mixture of experts"},
    {"Bias", [](TestGguf& g) { g.Add("blk.0.attn_q.bias", {32}); },
     "tensor 'blk.0.attn_q.bias' is a bias"},
    {"ForeignTensor", [](TestGguf& g) { g.Add("blk.0.attn_q_norm.weight", {16}); },
     "tensor 'blk.0.attn_q_norm.weight' is no part of a Llama model"},
    {"ForeignLayer", [](TestGguf& g) { g.Add("blk.7.ffn_up.weight", {16}); },
     "'blk.7.ffn_up.weight' is no part"},
    {"NoTable", [](TestGguf& g) { g.DropTensor("token_embd.weight"); },
     "tensor 'token_embd.weight' is missing"},
    {"NoTensor", [](TestGguf& g) { g.DropTensor("blk.0.ffn_up.weight"); },
     "tensor 'blk.0.ffn_up.weight' is missing"},
    {"NoNorm", [](TestGguf& g) { g.DropTensor("output_norm.weight"); },
     "tensor 'output_norm.weight' is missing"},
    {"OtherDimensions",
     [](TestGguf& g) {
       g.Tensor("blk.0.ffn_up.weight").ne = {64, 32};
     },
     "'blk.0.ffn_up.weight' is 64 x 32 x 1 x 1, but by the metadata it must be 32 x 64"},
    {"ThreeDimensions",
     [](TestGguf& g) {
       g.Tensor("blk.0.ffn_up.weight").ne = {32, 32, 2};
     },
     "is 32 x 32 x 2 x 1"},
    {"QuantisedNorm", [](TestGguf& g) { g.Tensor("blk.0.attn_norm.weight").type = 8; },
     "tensor 'blk.0.attn_norm.weight' has type q8_0, but must be F32, F16 or BF16"},
    {"TokensDisagree",
     [](TestGguf& g) {
       g.Set({"tokenizer.ggml.tokens", Array(8, 2, Bytes().Text("a").Text("b").str())});
     },
     "key 'tokenizer.ggml.tokens' has 2 entries, but token_embd.weight has 8 rows"},
    {"TokensAsNumbers",
     [](TestGguf& g) {
       g.Set({"tokenizer.ggml.tokens", Array(0, 3, "abc")});
     },
     "must be an array of text"},
};

const auto kNameOf = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Container, MalformedGgufTest, testing::ValuesIn(kContainer), kNameOf);
INSTANTIATE_TEST_SUITE_P(Model, MalformedGgufTest, testing::ValuesIn(kModel), kNameOf);

TEST(GgufTest, TheWellFormedOneLoads) {
  const LoadedModel loaded = LoadBytes(TestGguf().File());
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.model->shape.name, "test-model-7b");
  EXPECT_EQ(loaded.model->shape.ffn_dim, 64);
  EXPECT_EQ(loaded.model->shape.head_dim, 16);
  EXPECT_TRUE(loaded.model->shape.tied_output);
  EXPECT_EQ(loaded.model->format, "f32");
  EXPECT_EQ(loaded.model->output_norm[31], 1.0f);
  EXPECT_EQ(loaded.model->rope_factors, nullptr);
}

TEST(GgufTest, AFileCutAtAnyByteHasASentence) {
  const TestGguf gguf;
  const std::string file = gguf.File();
  // The padding behind the last tensor may be missing; here it has none.
  for (size_t byte = 0; byte < file.size(); ++byte) {
    if (byte > gguf.Header().size() + 64 && byte % 97 != 0) continue;
    const LoadedModel loaded = LoadBytes(std::string_view(file).substr(0, byte));
    ASSERT_EQ(loaded.model, nullptr) << byte;
    ASSERT_NE(loaded.error, "") << byte;
  }
}

TEST(GgufTest, AnyChangedByteOfTheHeaderLoadsOrHasASentence) {
  const TestGguf gguf;
  const std::string file = gguf.File();
  for (size_t at = 0; at < gguf.Header().size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = file;
      changed[at] = static_cast<char>(value);
      const LoadedModel loaded = LoadBytes(changed);
      ASSERT_EQ(loaded.model == nullptr, !loaded.error.empty()) << at << " " << value;
    }
  }
}

TEST(GgufTest, AnotherAlignmentIsFollowed) {
  TestGguf gguf;
  gguf.alignment_byte = 128;
  gguf.Set(U32("general.alignment", 128));
  EXPECT_EQ(LoadBytes(gguf.File()).error, "");
}

TEST(GgufTest, NormsInHalfPrecisionAreConverted) {
  TestGguf gguf;
  gguf.Tensor("output_norm.weight").type = 30;  // bf16: the upper half of each 1.0f, then its lower
  const LoadedModel loaded = LoadBytes(gguf.File());
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.model->output_norm[0], 0.0f);
  EXPECT_EQ(loaded.model->output_norm[1], 1.0f);
}

TEST(GgufTest, ANormThatIsNoNumberIsNamed) {
  TestGguf gguf;
  gguf.DropTensor("output_norm.weight");
  gguf.Add("output_norm.weight", {32});  // last, so that the file ends with it
  std::string file = gguf.File();
  file.replace(file.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));
  const std::string error = LoadBytes(file).error;
  EXPECT_NE(error.find("tensor 'output_norm.weight' has the element nan at place 31"),
            std::string::npos)
      << error;
}

TEST(GgufTest, LinearScalingDividesEveryFrequency) {
  TestGguf gguf;
  gguf.Set(Text("llama.rope.scaling.type", "linear"));
  gguf.Set(F32("llama.rope.scaling.factor", 4.0f));
  LoadedModel loaded = LoadBytes(gguf.File());
  ASSERT_EQ(loaded.error, "");
  for (int i = 0; i < 8; ++i) EXPECT_EQ(loaded.model->rope_factors[i], 4.0f);
  // With factors of 1 in the file besides.
  gguf.Add("rope_freqs.weight", {8});
  loaded = LoadBytes(gguf.File());
  ASSERT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.model->rope_factors[7], 4.0f);
  gguf.Set(Text("llama.rope.scaling.type", "none"));
  EXPECT_EQ(LoadBytes(gguf.File()).model->rope_factors[7], 1.0f);
}

TEST(GgufTest, AnOutputOfItsOwnIsNotTied) {
  TestGguf gguf;
  gguf.Add("output.weight", {32, 8});
  const LoadedModel loaded = LoadBytes(gguf.File());
  ASSERT_EQ(loaded.error, "");
  EXPECT_FALSE(loaded.model->shape.tied_output);
  EXPECT_NE(loaded.model->output.data, loaded.model->token_embd.data);
}

TEST(GgufTest, NameComesFromBasenameThenNameThenFile) {
  TestGguf gguf;
  gguf.Set(Text("general.basename", "SmolLM2"));
  gguf.Set(Text("general.size_label", "135M"));
  EXPECT_EQ(LoadBytes(gguf.File()).model->shape.name, "smollm2-135m");
  gguf.Set(Text("general.basename", "Llama-3.2-1B"));
  gguf.Set(Text("general.size_label", "1B"));
  EXPECT_EQ(LoadBytes(gguf.File()).model->shape.name, "llama-3.2-1b");
  gguf.Drop("general.basename");
  gguf.Set(Text("general.name", "../"));
  EXPECT_EQ(LoadBytes(gguf.File()).model->shape.name, "test");
}

TEST(GgufTest, FormatComesFromTheFileTypeOrTheMostBytes) {
  TestGguf gguf;
  gguf.Set(U32("general.file_type", 15));
  EXPECT_EQ(LoadBytes(gguf.File()).model->format, "q4_k_m");
  gguf.Set(U32("general.file_type", 12345));
  EXPECT_EQ(LoadBytes(gguf.File()).model->format, "f32");
}

TEST(GgufTest, AFileThatIsNoneIsNamed) {
  EXPECT_NE(LoadModel("/no/such/file.gguf").error.find("cannot open it: No such file"),
            std::string::npos);
  EXPECT_NE(LoadModel("/dev/null").error.find("is no regular file"), std::string::npos);
  EXPECT_NE(LoadBytes("PK\x03\x04 zip").error.find("starts with 'PK"), std::string::npos);
}

}  // namespace
}  // namespace wattline::kernels::gguf_test
