// The reader of what mlx_lm.benchmark prints.
#include <gtest/gtest.h>

#include "tests/read_foreign.h"

namespace wattline::roofline::readers_mlx_lm_test {
namespace {

// Of ml-explore/mlx-lm pull request #1010: an M4 MacBook Air that throttles; two of its five
// trials.
constexpr const char* kTrials =
    "Running warmup..\n"
    "Timing with prompt_tokens=2048, generation_tokens=2048, batch_size=1.\n"
    "Trial 1:  prompt_tps=204.832, generation_tps=21.086, peak_memory=5.114\n"
    "Trial 2:  prompt_tps=137.867, generation_tps=18.929, peak_memory=5.114\n";

TEST(MlxLmReader, TakesEachTrialOfARealText) {
  const Results r = ReadForeign("mlx_lm_benchmark.txt");
  EXPECT_EQ(r.tool, "mlx_lm.benchmark");
  ASSERT_EQ(r.rows.size(), 6u);
  const Row prefill = RowOf(r, "decode/unknown/unknown/prefill:64/mlx", 1);
  EXPECT_EQ(prefill.Counter("tok/s"), 9123.162);
  EXPECT_NEAR(*prefill.Counter("TTFT_ms"), 64 / 9123.162 * 1e3, 1e-9);
  const Row decode = RowOf(r, "decode/unknown/unknown/ctx:64/mlx", 2);
  EXPECT_EQ(decode.Counter("tok/s"), 939.617);
  EXPECT_NEAR(*decode.Counter("TPOT_ms"), 1.064263, 1e-6);
  EXPECT_EQ(decode.Counter("peak_GB"), 0.001);
  EXPECT_EQ(decode.time_s, 0);
  EXPECT_TRUE(Remarks(r, "neither the text nor the file's name tells the model"));
  EXPECT_TRUE(Remarks(r, "rates are kept, times are not"));
}

TEST(MlxLmReader, TakesTheModelFromTheFilesName) {
  const Results r =
      OnlyResults(ParseAny(kTrials, "logs/mlx-community_Qwen2.5-7B-Instruct-4bit.txt"));
  EXPECT_EQ(RowOf(r, "decode/qwen2.5-7b/mlx_4bit/ctx:2048/mlx", 1).Counter("tok/s"), 18.929);
  EXPECT_TRUE(Remarks(r, "the name is the file's"));
}

TEST(MlxLmReader, TakesTheModelFromTheCommandsBeforeEachRun) {
  const std::string commands =
      std::string("$ mlx_lm.benchmark --model mlx-community/Llama-3.2-1B-Instruct-8bit -n 2\n") +
      kTrials + "$ mlx_lm.benchmark -n 2 --model other/Foo-9B-bf16\n" + kTrials;
  const Results r = OnlyResults(ParseAny(commands, "x.txt"));
  EXPECT_EQ(r.rows.size(), 8u);
  EXPECT_TRUE(HasRow(r, "decode/llama-3.2-1b/mlx_8bit/prefill:2048/mlx"));
  EXPECT_TRUE(HasRow(r, "decode/foo-9b-bf16/bf16/prefill:2048/mlx"));
  EXPECT_FALSE(Remarks(r, "the name is the file's"));
}

// Of pull request #396, before the batch size was told.
TEST(MlxLmReader, TakesTheOldestFormAndAveragesAlone) {
  const Results r = OnlyResults(
      ParseAny("Timing with prompt_tokens=2048 and generation_tokens=128.\n"
               "Averages: prompt_tps=2902.166, generation_tps=205.099, peak_memory=3.285\n",
               "Llama-3.2-3B-4bit.txt"));
  const Row row = RowOf(r, "decode/llama-3.2-3b/mlx_4bit/ctx:2048/mlx");
  EXPECT_EQ(row.aggregate, "mean");
  EXPECT_EQ(row.Counter("tok/s"), 205.099);
  EXPECT_NEAR(row.time_s, 128 / 205.099, 1e-12);  // as many tokens as ours
}

TEST(MlxLmReader, GivesABatchNoTimeToItsFirstToken) {
  const Results r = OnlyResults(ParseAny(Replaced(kTrials, "batch_size=1", "batch_size=16"), "x"));
  const Row prefill = RowOf(r, "decode/x/unknown/prefill:2048/batch:16/mlx");
  EXPECT_FALSE(prefill.Counter("TTFT_ms"));
  const Row decode = RowOf(r, "decode/x/unknown/ctx:2048/batch:16/mlx");
  EXPECT_NEAR(*decode.Counter("TPOT_ms"), 16 / 21.086 * 1e3, 1e-9);
}

TEST(MlxLmReader, SaysWhatDoesNotFit) {
  const Results r = OnlyResults(ParseAny(std::string(kTrials) +
                                             "Averages: prompt_tps=300.000, generation_tps=20.008\n"
                                             "Post: prompt_tps=30322.676, generation_tps=209.213\n",
                                         "x"));
  EXPECT_TRUE(Remarks(r, "the average prompt_tps of 300 is not that of its 2 trials, 171.3"));
  EXPECT_FALSE(Remarks(r, "the average generation_tps"));
  EXPECT_TRUE(Remarks(r, "1 row was left out: they are neither of a trial nor the averages"));
}

TEST(MlxLmReader, RefusesWhatIsNoNumberOrHasNoLength) {
  EXPECT_EQ(ParseAny(Replaced(kTrials, "18.929", "nan"), "x").error,
            "x: line 4: generation_tps is 'nan', not a number");
  const std::string error = ParseAny("Trial 1:  prompt_tps=1.0, generation_tps=2.0\n", "x").error;
  EXPECT_NE(error.find("keep that line"), std::string::npos) << error;
}

}  // namespace
}  // namespace wattline::roofline::readers_mlx_lm_test
