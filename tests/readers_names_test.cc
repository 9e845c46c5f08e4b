// Names of models and formats of other programs under ours.
#include <gtest/gtest.h>

#include "roofline/readers/foreign.h"
#include "roofline/readers/model_names.h"

namespace wattline::roofline::readers_names_test {
namespace {

std::string Gguf(const char* type, double params, const char* file = "") {
  return ModelOfGguf(type, params, 0.002, file).name;
}

TEST(ModelNames, AreOursWhereArchitectureAndParametersAre) {
  EXPECT_EQ(Gguf("llama 7B Q4_0", 6738415616), "llama-2-7b");
  EXPECT_EQ(Gguf("llama 7B Q4_0", 7241732096), "mistral-7b");
  EXPECT_EQ(Gguf("llama 1B Q4_K - Medium", 1100048384), "tinyllama-1.1b");
  EXPECT_EQ(Gguf("llama 1B Q8_0", 1235814432), "llama-3.2-1b");
  EXPECT_EQ(Gguf("qwen2 ?B Q8_0", 494032768), "qwen2.5-0.5b");
  // Another architecture of the same size, another size of the same.
  EXPECT_EQ(Gguf("gemma 7B Q4_0", 6738415616), "gemma-7b");
  EXPECT_EQ(Gguf("llama 7B Q4_0", 6900000000), "llama-7b");
  EXPECT_EQ(Gguf("llama ?B Q4_0", 6900000000), "llama-6.9b");
  EXPECT_EQ(Gguf("qwen3moe 30B.A3B Q4_K - Medium", 30532122624), "qwen3moe-30b.a3b");
}

TEST(ModelNames, Llama3And31AreToldApartByTheirRopeFactorsOrTheirFile) {
  EXPECT_EQ(Gguf("llama 8B Q4_0", 8030261248), "llama-3-8b");
  EXPECT_EQ(Gguf("llama 8B Q4_0", 8030261312), "llama-3.1-8b");
  EXPECT_EQ(Gguf("llama 8B Q4_0", 8030261248, "Meta-Llama-3.1-8B-Instruct-Q4_0.gguf"),
            "llama-3.1-8b");
  const ModelName rounded = ModelOfGguf("llama 8B Q4_0", 8.03e9, 0.005, "");
  EXPECT_EQ(rounded.name, "llama-3-8b");
  EXPECT_NE(rounded.remark.find("llama-3-8b or llama-3.1-8b"), std::string::npos);
}

TEST(ModelNames, AreFoundInRepositoriesAndFiles) {
  EXPECT_EQ(KnownModel("meta-llama/Llama-3.1-8B-Instruct"), "llama-3.1-8b");
  EXPECT_EQ(KnownModel("mistralai/Mistral-7B-v0.1"), "mistral-7b");
  EXPECT_EQ(KnownModel("mlx-community/Qwen2.5-7B-Instruct-4bit"), "qwen2.5-7b");
  EXPECT_EQ(KnownModel("models--meta-llama--Llama-3.2-3B"), "llama-3.2-3b");
  EXPECT_EQ(KnownModel("Llama-2-70b"), "llama-2-70b");
  EXPECT_FALSE(KnownModel("Qwen3-7B"));
  EXPECT_FALSE(KnownModel("Llama-3.1-80B"));
  EXPECT_FALSE(KnownModel("xllama-3-8b"));
}

TEST(FormatNames, AreThoseOfGguf) {
  EXPECT_EQ(FormatOfGguf("llama 8B Q4_K - Medium"), "q4_k_m");
  EXPECT_EQ(FormatOfGguf("llama 8B Q4_K - Small"), "q4_k_s");
  EXPECT_EQ(FormatOfGguf("llama 7B mostly F16"), "f16");
  EXPECT_EQ(FormatOfGguf("llama 7B all F32"), "f32");
  EXPECT_EQ(FormatOfGguf("llama ?B Q2_K - Medium"), "q2_k");
  EXPECT_EQ(FormatOfGguf("llama 7B IQ4_XS - 4.25 bpw"), "iq4_xs");
  EXPECT_EQ(FormatOfGguf("gpt-oss 20B MXFP4 MoE"), "mxfp4");
  EXPECT_EQ(FormatOfGguf("llama 8B Q6_K (guessed)"), "q6_k");
  EXPECT_EQ(FormatOfGguf("llama"), "unknown");
}

TEST(FormatNames, AreThoseOfMlxAndTorch) {
  EXPECT_EQ(FormatOfMlx("Llama-3.2-1B-Instruct-4bit"), "mlx_4bit");
  EXPECT_EQ(FormatOfMlx("gemma-3-4b-it-8-bit"), "mlx_8bit");
  EXPECT_EQ(FormatOfMlx("x-bf16"), "bf16");
  EXPECT_FALSE(FormatOfMlx("Qwen3-4B"));
  EXPECT_EQ(FormatOfTorch("torch.bfloat16"), "bf16");
  EXPECT_EQ(FormatOfTorch("float16"), "f16");
}

TEST(Slugs, FitIntoNames) {
  EXPECT_EQ(Slug("Apple M4 Pro"), "apple-m4-pro");
  EXPECT_EQ(Slug("a/b:c//d"), "a-b-c-d");
  EXPECT_EQ(Slug("\xc3\xa9 \n"), "unknown");
  EXPECT_EQ(Slug(std::string(500, 'x')).size(), 64u);
}

TEST(PlainTexts, AreOneLineOfValidUtf8) {
  EXPECT_EQ(PlainText(" a\nb\t\x01 "), "a b");
  EXPECT_EQ(PlainText("M\xc3\xbcller \xff\xc0\xaf"), "M\xc3\xbcller ???");
  EXPECT_EQ(PlainText("abcdef", 4), "abcd...");
}

TEST(Numbers, AreFiniteAndWhole) {
  EXPECT_EQ(NumberOf(" 1.5e3 "), 1500);
  for (const char* text : {"", "nan", "inf", "1e999", "1 2", "0x10", "-", "1.5x"}) {
    EXPECT_FALSE(NumberOf(text)) << text;
  }
  EXPECT_FALSE(CountOf(-1));
  EXPECT_FALSE(CountOf(1e300));
}

}  // namespace
}  // namespace wattline::roofline::readers_names_test
