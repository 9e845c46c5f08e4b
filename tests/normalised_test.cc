// Shares of a machine's own ceilings, and tokens per watt and per GB/s, against hand-counted cases.
#include "roofline/normalised.h"

#include <gtest/gtest.h>

#include "tests/compare_files.h"

namespace wattline::roofline::normalised_test {
namespace {

// 400 GFLOP/s of f32, 800 of bf16, 1600 of int8 over 40 GB/s, as the context tells.
Results MakeFile() {
  Results file = FileOf("a.json", "chip");
  file.machine.threads = 2;
  file.machine.backends["cpu"] = "wattline's own kernels, avx512 with AVX512F";
  file.machine.ceilings = {{"f32", 400e9}, {"bf16", 800e9}, {"int8", 1600e9}, {"read", 40e9}};
  return file;
}

std::optional<double> Normalised(Results file, const std::string& name, const Counters& counters,
                                 const std::string& wanted) {
  AddRun(file, name, counters, 1);
  AddNormalised(file);
  return file.rows.back().Counter(wanted);
}

TEST(RoofShareTest, IsTheLargerOfBothSharesOfTheContextsCeilings) {
  // 0.2 of 0.4 TFLOP/s and 10 of 40 GB/s.
  EXPECT_NEAR(
      *Normalised(MakeFile(), "gemm/8x8x8/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 10}}, "roof_share"),
      0.5, 1e-12);
  // 0.02 of 0.4 TFLOP/s and 36 of 40 GB/s.
  EXPECT_NEAR(
      *Normalised(MakeFile(), "gemm/8x8x8/f32/cpu", {{"TFLOPS", 0.02}, {"GB/s", 36}}, "roof_share"),
      0.9, 1e-12);
  // No operations: the bandwidth alone.
  EXPECT_NEAR(
      *Normalised(MakeFile(), "dequant/8x8/q4_0/cpu", {{"TFLOPS", 0}, {"GB/s", 30}}, "roof_share"),
      0.75, 1e-12);
  // A prompt's dense linear layers compute in bf16 on AVX-512: 0.6 of 0.8 TFLOP/s; quantised ones
  // in integers: 0.6 of 1.6 TOP/s.
  EXPECT_NEAR(*Normalised(MakeFile(), "decode/m/q4_0/prefill:512/cpu",
                          {{"TFLOPS", 0.6}, {"GB/s", 1}}, "roof_share"),
              0.375, 1e-12);
  EXPECT_NEAR(*Normalised(MakeFile(), "decode/m/bf16/prefill:512/cpu",
                          {{"TFLOPS", 0.6}, {"GB/s", 1}}, "roof_share"),
              0.75, 1e-12);
}

TEST(RoofShareTest, IsAbsentWhereItCannotBeTold) {
  const Counters counters = {{"TFLOPS", 0.2}, {"GB/s", 10}};
  Results without = MakeFile();
  without.machine.ceilings.clear();
  EXPECT_FALSE(Normalised(without, "gemm/8x8x8/f32/cpu", counters, "roof_share"));
  // The context's ceilings are the CPU's.
  EXPECT_FALSE(Normalised(MakeFile(), "gemm/8x8x8/f32/cuda", counters, "roof_share"));
  EXPECT_TRUE(Normalised(MakeFile(), "gemm/8x8x8/f32/openblas", counters, "roof_share"));
  EXPECT_FALSE(Normalised(MakeFile(), "BM_gemm", counters, "roof_share"));
  // From a cache: 50 of 40 GB/s.
  EXPECT_FALSE(
      Normalised(MakeFile(), "gemm/8x8x8/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 50}}, "roof_share"));
  EXPECT_FALSE(Normalised(MakeFile(), "gemm/8x8x8/f32/cpu", {}, "roof_share"));
}

TEST(RoofShareTest, TheFilesOwnCeilingRowsCountBeforeItsContext) {
  Results file = MakeFile();
  for (double tera : {0.49, 0.5, 0.51}) {
    AddRun(file, "ceiling/peak/f32/threads:2/cpu", {{"TFLOPS", tera}}, 1);
  }
  AddRun(file, "ceiling/read/f32/kb:1048576/threads:2/cpu", {{"GB/s", 50}}, 1);
  AddRun(file, "ceiling/peak/f16/threads:1/cuda", {{"TFLOPS", 100}}, 1);
  AddRun(file, "ceiling/read/f32/kb:1048576/threads:1/cuda", {{"GB/s", 1000}}, 1);
  EXPECT_NEAR(
      *Normalised(file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 0.2}, {"GB/s", 10}}, "roof_share"), 0.4,
      1e-9);
  EXPECT_NEAR(
      *Normalised(file, "gemm/8x8x8/f32/cpu", {{"TFLOPS", 0.02}, {"GB/s", 45}}, "roof_share"), 0.9,
      1e-9);
  EXPECT_NEAR(
      *Normalised(file, "gemm/8x8x8/f16/cuda", {{"TFLOPS", 80}, {"GB/s", 10}}, "roof_share"), 0.8,
      1e-9);
}

TEST(TokensTest, PerWattAndPerGigabyteOfBandwidth) {
  const Counters counters = {{"tok/s", 20}, {"watts", 8}, {"TFLOPS", 0.02}, {"GB/s", 30}};
  const char* name = "decode/m/q4_0/ctx:512/cpu";
  EXPECT_NEAR(*Normalised(MakeFile(), name, counters, "tok/s/W"), 2.5, 1e-12);
  EXPECT_NEAR(*Normalised(MakeFile(), name, counters, "tok/s per GB/s"), 0.5, 1e-12);
  EXPECT_FALSE(Normalised(MakeFile(), name, {{"tok/s", 20}, {"watts", 0}}, "tok/s/W"));
  EXPECT_FALSE(Normalised(MakeFile(), name, {{"tok/s", 20}}, "tok/s/W"));
}

TEST(TokensTest, OutputTokensAgainstInputTokensOfTheLongestPrompt) {
  Results file = MakeFile();
  AddRun(file, "decode/m/q4_0/prefill:128/cpu", {{"J/token", 9}});
  for (double joules : {0.4, 0.5, 0.9}) {
    AddRun(file, "decode/m/q4_0/prefill:512/cpu", {{"J/token", joules}});
  }
  AddRun(file, "decode/m/q8_0/prefill:512/cpu", {{"J/token", 7}});
  AddRun(file, "decode/m/q4_0/prefill:512/openblas", {{"J/token", 7}});
  AddRun(file, "decode/m/q4_0/prefill:1024/cpu", {}).error = "failed";
  AddRun(file, "decode/m/q4_0/ctx:512/cpu", {{"J/token", 3}});
  AddRun(file, "decode/m/q4_0/ctx:512/batch:4/cpu", {{"J/token", 3}});
  AddRun(file, "gemm/8x8x8/f32/cpu", {{"J/token", 3}});
  AddNormalised(file);
  EXPECT_EQ(file.rows[1].Counter("J/input_token"), 0.4);
  EXPECT_FALSE(file.rows[1].Counter("J/output_token"));
  EXPECT_EQ(file.rows[7].Counter("J/output_token"), 3);
  EXPECT_NEAR(*file.rows[7].Counter("output_input_J"), 6, 1e-12);
  EXPECT_EQ(file.rows[8].Counter("J/output_token"), 3);
  EXPECT_FALSE(file.rows[8].Counter("output_input_J"));  // no prompt in batches
  EXPECT_FALSE(file.rows[9].Counter("J/output_token"));
}

TEST(NormalisedTest, AggregatesOfScatterGetNothing) {
  Results file = MakeFile();
  AddRun(file, "decode/m/q4_0/ctx:0/cpu", {{"tok/s", 1}, {"watts", 1}}).aggregate = "stddev";
  AddRun(file, "decode/m/q4_0/ctx:0/cpu", {{"tok/s", 1}, {"watts", 1}}).aggregate = "median";
  AddNormalised(file);
  EXPECT_FALSE(file.rows[0].Counter("tok/s/W"));
  EXPECT_TRUE(file.rows[1].Counter("tok/s/W"));
}

// README's table: 31.85 GB/s over 38.49 of the context.
TEST(NormalisedTest, OfARealFile) {
  ReadResult read = ReadResults(WATTLINE_SOURCE_DIR "/tests/data/decode_emerald_rapids_vm.json");
  ASSERT_TRUE(read.results) << read.error;
  AddNormalised(*read.results);
  const Row& row = read.results->rows[1];
  EXPECT_NEAR(*row.Counter("roof_share"), *row.Counter("MBU_ceiling"), 1e-9);
  EXPECT_NEAR(*row.Counter("tok/s per GB/s"), 12.873 / 38.493, 1e-4);
  EXPECT_FALSE(row.Counter("tok/s/W"));
}

}  // namespace
}  // namespace wattline::roofline::normalised_test
