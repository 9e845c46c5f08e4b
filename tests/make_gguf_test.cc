// The program make_gguf: writes what the loader reads, and says what is wrong with its flags.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "kernels/model/load.h"

namespace wattline::kernels::make_gguf_test {
namespace {

struct Ran {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};

Ran RunProgram(const std::string& flags) {
  Ran ran;
  FILE* pipe = popen((std::string(WATTLINE_MAKE_GGUF) + " " + flags + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  char part[256];
  while (fgets(part, sizeof(part), pipe) != nullptr) ran.output += part;
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

class MakeGgufTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(path_); }

  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("make_gguf_test." + std::to_string(getpid()) + ".gguf"))
                          .string();
};

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_F(MakeGgufTest, ACustomShapeIsWrittenAndLoads) {
  const Ran ran = RunProgram(
      "--format=q4_k_m --layers=3 --model_dim=512 --ffn_dim=768 --heads=8 "
      "--kv_heads=2 --vocab=400 --context=99 --tied --seed=4 -o " +
      path_);
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  const LoadedModel loaded = LoadModel(path_);
  ASSERT_TRUE(loaded.model) << loaded.error;
  const ModelShape& s = loaded.model->shape;
  EXPECT_EQ(s.layers, 3);
  EXPECT_EQ(s.head_dim, 64);
  EXPECT_EQ(s.kv_heads, 2);
  EXPECT_EQ(s.context, 99);
  EXPECT_TRUE(s.tied_output);
  EXPECT_EQ(loaded.model->format, "q4_k_m");
}

TEST_F(MakeGgufTest, TheSameSeedGivesTheSameFile) {
  ASSERT_EQ(RunProgram("--format=q4_1 --threads=1 -o " + path_).exit_code, 0);
  const std::string first = Contents(path_);
  ASSERT_EQ(RunProgram("--format=q4_1 --threads=3 -o " + path_).exit_code, 0);
  EXPECT_TRUE(first == Contents(path_));
  ASSERT_EQ(RunProgram("--format=q4_1 --seed=2 -o " + path_).exit_code, 0);
  EXPECT_FALSE(first == Contents(path_));
}

TEST_F(MakeGgufTest, ANamedShapeIsWritten) {
  ASSERT_EQ(RunProgram("--model=smollm2-135m --format=q4_0 --layers=2 -o " + path_).exit_code, 0);
  const LoadedModel loaded = LoadModel(path_);
  ASSERT_TRUE(loaded.model) << loaded.error;
  EXPECT_EQ(loaded.model->shape.name, "smollm2-135m");
  EXPECT_EQ(loaded.model->shape.vocab, 49152);
}

TEST_F(MakeGgufTest, AFolderOfMlxIsWrittenAndLoads) {
  const Ran ran = RunProgram(
      "--mlx --format=mlx4 --layers=1 --model_dim=128 --ffn_dim=192 --heads=4 --vocab=40 -o " +
      path_);
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  const LoadedModel loaded = LoadModel(path_);
  ASSERT_TRUE(loaded.model) << loaded.error;
  EXPECT_EQ(loaded.model->format, "mlx4");
  EXPECT_EQ(loaded.model->shape.ffn_dim, 192);
  EXPECT_EQ(loaded.model->shape.rope_layout, RopeLayout::kHalves);
  EXPECT_EQ(RunProgram("--mlx --format=q6_k -o " + path_).exit_code, 1);
}

TEST_F(MakeGgufTest, WrongUseExitsWith2AndSaysWhatIsKnown) {
  const Ran unknown = RunProgram("--model=llama-9 -o " + path_);
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.output.find("--model=llama-9 is not known; known: tinyllama-1.1b"),
            std::string::npos);
  EXPECT_EQ(RunProgram("--model=bert-base -o " + path_).exit_code, 2);
  EXPECT_EQ(RunProgram("--format=q4_0").exit_code, 2);
  EXPECT_EQ(RunProgram("--frobnicate=1 -o " + path_).exit_code, 2);
  const Ran format = RunProgram("--format=q3_k -o " + path_);
  EXPECT_EQ(format.exit_code, 2);
  EXPECT_NE(format.output.find("weight format 'q3_k' is not known"), std::string::npos);
  const Ran no_type = RunProgram("--format=mlx4 -o " + path_);
  EXPECT_EQ(no_type.exit_code, 2);
  EXPECT_NE(no_type.output.find("--format=mlx4: GGUF has no type for it; --mlx writes it"),
            std::string::npos);
  const Ran heads = RunProgram("--heads=4 --kv_heads=3 -o " + path_);
  EXPECT_EQ(heads.exit_code, 2);
  EXPECT_NE(heads.output.find("must be a multiple of kv_heads"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(MakeGgufTest, AFileThatCannotBeWrittenExitsWith1) {
  const Ran ran = RunProgram("-o /no/such/folder/a.gguf");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_NE(ran.output.find("cannot create it: No such file"), std::string::npos);
}

}  // namespace
}  // namespace wattline::kernels::make_gguf_test
