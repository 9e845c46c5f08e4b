// The reader of TokenPowerBench's results.
#include <gtest/gtest.h>

#include "tests/read_foreign.h"

namespace wattline::roofline::readers_token_power_bench_test {
namespace {

TEST(TokenPowerBenchReader, TakesJoulesOfTheWholeRun) {
  const Results r = ReadForeign("deepspeed_models--Llama-3.1-8B_256_500_20250418_232621.json");
  EXPECT_EQ(r.tool, "TokenPowerBench");
  const Row row =
      RowOf(r, "decode/llama-3.1-8b/unknown/ctx:unknown/batch:256/max_tokens:500/deepspeed");
  EXPECT_NEAR(row.time_s, 11184.960, 1e-3);
  EXPECT_EQ(row.Counter("tokens"), 26001000);
  EXPECT_NEAR(*row.Counter("tok/s"), 26001000 / 11184.960287, 1e-3);
  EXPECT_NEAR(*row.Counter("joules"), 11547215.3, 0.1);
  EXPECT_NEAR(*row.Counter("J/token"), 0.444107, 1e-6);
  EXPECT_NEAR(*row.Counter("J:gpu"), 6354254.9, 0.1);
  EXPECT_NEAR(*row.Counter("watts"), 1032.39, 0.01);
  EXPECT_EQ(row.Counter("devices"), 2);
  EXPECT_EQ(row.Counter("idle_devices"), 0);
  ASSERT_EQ(r.machine.meters.size(), 3u);
  EXPECT_EQ(r.machine.meters[2].scope, "node");
  EXPECT_EQ(r.machine.meters[2].in_total, std::vector<std::string>{"node"});
}

TEST(TokenPowerBenchReader, KeepsZerosForTheLintAndSaysWhatIsCounted) {
  const Results r = ReadForeign("vllm_models--Llama-3.2-3B_1_5_20250603_052030.json");
  const Row row = RowOf(r, "decode/llama-3.2-3b/unknown/ctx:unknown/batch:1/max_tokens:5/vllm");
  EXPECT_EQ(row.Counter("J:cpu"), 0);
  EXPECT_EQ(row.Counter("J:dram"), 0);
  EXPECT_EQ(row.Counter("watts"), 0);
  EXPECT_EQ(row.Counter("total_energy_per_token"), 0);
  EXPECT_NEAR(*row.Counter("joules"), 6.94274, 1e-5);
  // 91.7 W of the one that worked, 60 to 63 W of the three that did not.
  EXPECT_EQ(row.Counter("devices"), 4);
  EXPECT_EQ(row.Counter("idle_devices"), 3);
  EXPECT_TRUE(Remarks(r, "0 of J:cpu, J:dram, total_energy_per_token, watts in 1 row"));
  EXPECT_TRUE(Remarks(r, "total_energy of 1 row is that of the GPUs alone"));
  EXPECT_TRUE(Remarks(r, "joules of 1 row include GPUs"));
  EXPECT_TRUE(Remarks(r, "estimated as 1.3 per word"));
  ASSERT_EQ(r.machine.meters.size(), 1u);
  EXPECT_EQ(r.machine.meters[0].scope, "board");
}

TEST(TokenPowerBenchReader, TakesTheNewerSchema) {
  const Results r = OnlyResults(ParseAny(
      R"({"batch_32": {"model": "/data/models/Llama-3.1-8B/", "engine": "vllm", "batch_size": 32,
          "output_tokens": 500, "duration_s": 10.0, "total_output_tokens": 4000,
          "gpu_energy_j": 5000.0, "gpu_avg_power_w": 500.0, "per_gpu_power_w": [500.0],
          "total_energy_j": 6000.0, "total_mj_per_token": 1500.0, "system_avg_power_w": null}})",
      "x.json"));
  ASSERT_EQ(r.rows.size(), 1u);
  const Row& row = r.rows[0];
  EXPECT_EQ(row.name.find("/data"), std::string::npos);
  EXPECT_EQ(row.Counter("J/token"), 1.5);
  EXPECT_EQ(row.Counter("tok/s"), 400);
  EXPECT_EQ(row.Counter("joules"), 6000);
  EXPECT_EQ(row.Counter("devices"), 1);
  EXPECT_FALSE(row.Counter("watts"));
}

TEST(TokenPowerBenchReader, NamesThePlaceOfAFault) {
  EXPECT_EQ(ParseAny(R"({"m": [{"total_output_tokens": "3", "gpu_energy": 1}]})", "x").error,
            "x: m[0].total_output_tokens is string, not a number");
  EXPECT_EQ(ParseAny(R"({"m": [7], "n": {"total_output_tokens": 3, "gpu_energy": 1}})", "x").error,
            "x: m[0] is number, not an object");
}

}  // namespace
}  // namespace wattline::roofline::readers_token_power_bench_test
