// The reader of mac-ml-benchmark's raw JSON, in each of its schemas.
#include <gtest/gtest.h>

#include "roofline/json_fields.h"
#include "tests/read_foreign.h"

namespace wattline::roofline::readers_mac_ml_benchmark_test {
namespace {

Json ClaimsOf(const Results& results) { return Json::parse(results.context)["claims"]; }

bool HasClaim(const Results& results, const std::string& what, double value) {
  for (const Json& claim : ClaimsOf(results)) {
    if (claim["what"] == what && claim["value"] == value) return true;
  }
  return false;
}

TEST(MacMlReader, KeepsTheKindsOfBandwidthApart) {
  const Results r = ReadForeign("M5/memory_benchmarks.json");
  EXPECT_EQ(r.tool, "mac-ml-benchmark");
  EXPECT_EQ(r.machine.chip, "Apple M5");  // by the folder
  EXPECT_EQ(r.machine.chip_slug, "apple-m5");
  ASSERT_EQ(r.rows.size(), 9u);
  const Row read = RowOf(r, "ceiling/read/f32/kb:1048576/pytorch_mps");
  EXPECT_NEAR(*read.Counter("GB/s"), 113.194, 1e-3);
  EXPECT_EQ(read.Counter("size_GB"), 1.0);  // of 1 GiB, as it is claimed
  EXPECT_NEAR(read.time_s, 0.00948587, 1e-8);
  EXPECT_NEAR(*RowOf(r, "ceiling/copy/f32/kb:1048576/pytorch_mps").Counter("GB/s"), 118.403, 1e-3);
  EXPECT_TRUE(HasRow(r, "ceiling/write/f32/kb:262144/pytorch_mps"));
  EXPECT_TRUE(Remarks(r, "1 row was left out: max_allocation"));
}

TEST(MacMlReader, KeepsZerosAndErrors) {
  const Results r = ReadForeign("M5/pytorch_mps_benchmarks.json");
  const Row gemm = RowOf(r, "gemm/2048x2048x2048/f16/pytorch_mps");
  // 2 x 2048^3 FLOP in 1.36552 ms.
  EXPECT_NEAR(*gemm.Counter("TFLOPS"), 2 * 2048.0 * 2048 * 2048 / gemm.time_s * 1e-12, 1e-3);
  EXPECT_NEAR(*gemm.Counter("GB/s"), 18.4295, 1e-4);
  EXPECT_EQ(gemm.iterations, 20);
  const Row attention =
      RowOf(r, "attention/full/f16/heads:32/kv_heads:32/head_dim:128/tokens:512/pytorch_mps");
  EXPECT_EQ(attention.Counter("GB/s"), 0);
  EXPECT_NEAR(*attention.Counter("TFLOPS"), 2.34281, 1e-5);
  EXPECT_TRUE(Remarks(r, "0 of GB/s in 1 row stands for what was not measured"));
  const Row failed = RowOf(r, "block/transformer/f16/tokens:256/pytorch_mps");
  EXPECT_EQ(failed.error, "module 'torch' has no attribute 'silu'");
  EXPECT_TRUE(failed.counters.empty());
}

TEST(MacMlReader, ReadsTheOtherTablesOfGemmAndLayers) {
  const Results gemm = ReadForeign("M5/pytorch_vs_mlx_detailed.json");
  EXPECT_EQ(RowOf(gemm, "gemm/4096x4096x4096/f16/pytorch_mps").Counter("TFLOPS"), 13.84);
  EXPECT_EQ(RowOf(gemm, "gemm/4096x4096x4096/f16/mlx").Counter("TFLOPS"), 3.62);
  EXPECT_EQ(RowOf(gemm, "gemm/4096x4096x4096/f16/mlx").iterations, 50);
  const Results layer = ReadForeign("M5/layer_benchmark_float16.json");
  const Row attention = RowOf(layer, "attention/full/f16/layer:mistral-7b-mha/tokens:256/mlx");
  EXPECT_EQ(attention.Counter("TFLOPS"), 24.0);
  EXPECT_DOUBLE_EQ(attention.time_s, 6.44e-3);
  EXPECT_DOUBLE_EQ(RowOf(layer, "block/mistral-7b-mha/f16/pass:backward/tokens:1024/mlx").time_s,
                   0.22737);
}

TEST(MacMlReader, CarriesClaimsForTheLint) {
  const Results m5 = ReadForeign("M5/mfu_utilization.json");
  EXPECT_TRUE(m5.rows.empty());
  EXPECT_TRUE(HasClaim(m5, "spec_bandwidth", 200));
  EXPECT_TRUE(HasClaim(m5, "read", 118.4));  // that is the copy's
  EXPECT_TRUE(HasClaim(m5, "peak", 24));
  const Results m4 = ReadForeign("M4_Pro/mfu_utilization.json");
  EXPECT_EQ(m4.machine.chip, "Apple M4 Pro");
  EXPECT_TRUE(HasClaim(m4, "decode", 368));  // that is a prompt's
  EXPECT_TRUE(HasClaim(m4, "copy", 230.3));
}

TEST(MacMlReader, DoesNotInventAContextLength) {
  const Results r = ReadForeign("M5/framework_comparison.json");
  EXPECT_NEAR(*RowOf(r, "decode/mistral-7b/f16/ctx:unknown/pytorch_mps").Counter("tok/s"), 7.74642,
              1e-5);
  EXPECT_TRUE(HasRow(r, "decode/mistral-7b/mlx_4bit/ctx:unknown/mlx"));
  const Row llama = RowOf(r, "decode/mistral-7b/q4_k_m/ctx:unknown/llama_cpp");
  EXPECT_NEAR(*llama.Counter("tok/s"), 23.9797, 1e-4);
  EXPECT_EQ(llama.Counter("weights_GB"), 5.0);
  EXPECT_FALSE(llama.address->CaseNumber("ctx"));
  EXPECT_TRUE(HasClaim(r, "gpu_cores", 12));
}

TEST(MacMlReader, KeepsTheRunsBehindAMean) {
  const Results r = ReadForeign("prefill_results.json");
  const std::string name = "decode/mistral-7b/unknown/prefill:871/link:tcp/pytorch_mps";
  ASSERT_EQ(r.rows.size(), 4u);
  EXPECT_NEAR(RowOf(r, name, 0).time_s, 11.1618, 1e-4);  // cold
  EXPECT_NEAR(RowOf(r, name, 2).time_s, 2.60254, 1e-5);
  EXPECT_EQ(r.rows[3].aggregate, "mean");
  EXPECT_NEAR(r.rows[3].time_s, 5.38848, 1e-5);
  EXPECT_EQ(r.machine.chip, "Apple M5");
  EXPECT_TRUE(Remarks(r, "decode_results are of another machine, which is not named"));
}

TEST(MacMlReader, GivesEachMachineOfAnExperimentItsRows) {
  const ReadMany read = ParseAny(
      R"({"role": "ray_disaggregated", "prefill_machine": "M5", "decode_machine": "M4_Pro",
          "decode_hostname": "secret.local", "model": "mistralai/Mistral-7B-v0.1",
          "prompt_tokens": 871, "dtype": "float16",
          "all_runs": [{"prefill_time_ms": 1491.7, "tokens_per_sec": 11.12,
                        "avg_token_latency_ms": 89.3}]})",
      "x.json");
  ASSERT_EQ(read.results.size(), 2u) << read.error;
  EXPECT_EQ(read.results[0].machine.chip, "Apple M5");
  EXPECT_TRUE(HasRow(read.results[0], "decode/mistral-7b/f16/prefill:871/link:ray/pytorch_mps"));
  EXPECT_EQ(read.results[1].machine.chip_slug, "apple-m4-pro");
  EXPECT_EQ(
      RowOf(read.results[1], "decode/mistral-7b/f16/ctx:871/link:ray/pytorch_mps").Counter("tok/s"),
      11.12);
}

TEST(MacMlReader, TakesNoNamesOrAddressesOver) {
  const Results r = OnlyResults(ParseAny(
      R"({"hostname": "secret.local", "chip": {"brand_string": "Apple M5", "thread_count": 10},
          "memory": {"total_bytes": 25769803776, "theoretical_bandwidth_gbs": "TBD"},
          "gpu": {"gpu_cores_estimate": 12}, "network": {"wifi_ip": "192.0.2.77"},
          "software": {"macos_version": "26.2", "mlx_version": "0.29.3"}})",
      "x.json"));
  EXPECT_EQ(r.machine.os, "macOS 26.2");
  EXPECT_EQ(r.machine.threads, 10);
  EXPECT_EQ(r.machine.memory_byte, 25769803776.0);
  EXPECT_EQ(r.machine.backends.at("mlx"), "MLX 0.29.3");
  EXPECT_TRUE(HasClaim(r, "gpu_cores", 12));
  EXPECT_EQ(r.context.find("secret"), std::string::npos);
  EXPECT_EQ(r.context.find("192.0.2"), std::string::npos);
  EXPECT_TRUE(Remarks(r, "has no measurements"));
}

TEST(MacMlReader, RefusesNanWithItsPlace) {
  const std::string error = ReadAny(ForeignPath("M4_Pro/pytorch_mps_finetuning.json")).error;
  EXPECT_NE(error.find("line 14"), std::string::npos) << error;
  EXPECT_NE(error.find("NaN"), std::string::npos) << error;
  const Results valid = ReadForeign("M4_Pro/mlx_lora_finetuning.json");
  EXPECT_EQ(RowOf(valid, "finetune/mistral-7b/mlx_4bit/steps:50/mlx").Counter("tok/s"), 210);
}

TEST(MacMlReader, RefusesTrafficAndWrongTypes) {
  EXPECT_NE(ParseAny(R"({"mode": "tp", "traffic_summary": {}})", "x").error.find("no measurements"),
            std::string::npos);
  EXPECT_EQ(ParseAny(R"({"framework": "mlx", "benchmarks": {"gemm": [{"name": 3}]}})", "x").error,
            "x: benchmarks.gemm[0].name is number, not a text");
  EXPECT_EQ(ParseAny(R"({"framework": "mlx", "benchmarks": {"gemm": 7}})", "x").error,
            "x: benchmarks.gemm is number, not a list");
}

}  // namespace
}  // namespace wattline::roofline::readers_mac_ml_benchmark_test
