// The lint finds operations that were not done, means that one run made, vendors' figures that are
// not theirs, and speed-ups that were not run.
#include <gtest/gtest.h>

#include "tests/lint_cases.h"

namespace wattline::roofline::lint_counts_test {
namespace {

TEST(LintCausalTest, FullAttentionCountedForCausal) {
  const std::string name = "attention/causal/f16/heads:1/kv_heads:1/head_dim:64/tokens:512/mlx";
  // 4 x 64 x 512 x 513 / 2 operations, or 4 x 64 x 512^2.
  const KnownWorkOf known = [](const Row&) {
    KnownWork work;
    work.flop = 33619968.0;
    work.flop_not_causal = 67108864.0;
    return work;
  };
  const auto counted = [&](double flop) {
    return RulesOf(
        LintOf(LintResults({LintRow(name, {{"TFLOPS", flop * 1e-12 / 2e-3}}, 2e-3)}), {}, known));
  };
  EXPECT_EQ(counted(67108864.0), "attention-not-causal " + name);
  EXPECT_EQ(counted(33619968.0), "");
  EXPECT_EQ(counted(50e6), "");
  EXPECT_EQ(RulesOf(LintOf(LintResults({LintRow(name, {{"TFLOPS", 1}})}), {}, known)), "");
}

// One position: there is nothing that causality would leave out.
TEST(LintCausalTest, ASingleQueryIsNotSuspected) {
  const KnownWorkOf known = [](const Row&) {
    KnownWork work;
    work.flop = work.flop_not_causal = 1e9;
    return work;
  };
  EXPECT_EQ(
      RulesOf(LintOf(
          LintResults({LintRow("attention/single_query/f16/ctx:512/mlx", {{"TFLOPS", 1}}, 1e-3)}),
          {}, known)),
      "");
}

// 1.4: more than half of the time is a launch, or a description that nobody waited for. Sweeps have
// gates of their own.
TEST(LintTimedTest, ARowWhoseDoubledWorkTakesNoLonger) {
  const auto found = [](const std::string& name, double doubling) {
    return LintOf(LintResults({LintRow(name, {{"doubling", doubling}})}));
  };
  const std::string name = "gemm/512x512x512/bf16/mlx";
  const std::vector<Finding> lazy = found(name, 1.02);
  EXPECT_EQ(RulesOf(lazy), "work-not-timed " + name);
  EXPECT_EQ(lazy.at(0).what,
            "twice the work took 1.02 times as long: 98 % of its time is a fixed cost, or the work "
            "was not waited for");
  EXPECT_EQ(RulesOf(found(name, 1.49)), "work-not-timed " + name);
  EXPECT_EQ(RulesOf(found(name, 1.5)), "");
  EXPECT_EQ(RulesOf(found(name, 2.6)), "");
  EXPECT_EQ(RulesOf(found("ceiling/intensity/f32/kb:32/flop_per_byte:1/mlx", 1.02)), "");
}

std::vector<Row> Lengths(const std::vector<double>& tflops, const std::vector<double>& time_s) {
  std::vector<Row> rows;
  for (size_t i = 0; i < tflops.size(); ++i) {
    rows.push_back(LintRow("attention/causal/f16/tokens:" + std::to_string(256 << i) + "/mlx",
                           {{"TFLOPS", tflops[i]}}, time_s.empty() ? 0 : time_s[i]));
  }
  return rows;
}

TEST(LintConstantTest, OneCountForAllLengths) {
  const std::string found = "flop-held-constant attention/causal/f16/tokens:256/mlx";
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({24, 11.59, 5.17}, {})))), found);
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({24, 12}, {1, 2})))), found);
  // Times that grow as the square at a constant rate; a rate that falls by a third per doubling;
  // two points, which prove nothing without their times.
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({4, 4, 4}, {1, 4, 16})))), "");
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({9, 6, 4}, {})))), "");
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({24, 11.59}, {})))), "");
  EXPECT_EQ(RulesOf(LintOf(LintResults(Lengths({2.34, 2.79, 2.94, 2.85}, {})))), "");
}

std::vector<Row> Runs(const std::vector<double>& runs_s, double mean_s) {
  std::vector<Row> rows;
  for (size_t i = 0; i < runs_s.size(); ++i) {
    rows.push_back(LintRow("decode/m/f16/prefill:512/mlx", {}, runs_s[i]));
    rows.back().repetition = static_cast<int>(i);
  }
  rows.push_back(LintRow("decode/m/f16/prefill:512/mlx", {}, mean_s));
  rows.back().aggregate = "mean";
  return rows;
}

TEST(LintColdTest, AMeanThatItsFirstRunMade) {
  const std::vector<Finding> found = LintOf(LintResults(Runs({11.162, 2.401, 2.603}, 5.389)));
  ASSERT_EQ(RulesOf(found), "cold-first-run decode/m/f16/prefill:512/mlx");
  EXPECT_EQ(found[0].what,
            "the mean of 5389 ms has a first run of 11162 ms in it; the median of the 3 runs is "
            "2603 ms");
  EXPECT_EQ(RulesOf(LintOf(LintResults(Runs({2.5, 2.4, 2.6}, 2.5)))), "");
  EXPECT_EQ(RulesOf(LintOf(LintResults(Runs({2.4, 11.2, 2.6}, 5.4)))), "");  // not the first
  EXPECT_EQ(RulesOf(LintOf(LintResults(Runs({11.2, 2.4, 2.6}, 2.5)))), "");  // left out
}

TEST(VendorFiguresTest, NamesOfChipsAreFoundAsPeopleWriteThem) {
  const VendorFigures vendors = Vendors();
  for (const char* chip : {"Apple M4 Pro", "apple-m4-pro", "M4 Pro"}) {
    EXPECT_EQ(vendors.MostCores(chip), 20) << chip;
    ASSERT_EQ(vendors.BytePerS(chip).size(), 1u) << chip;
    EXPECT_DOUBLE_EQ(vendors.BytePerS(chip)[0], 273.1e9) << chip;
  }
  EXPECT_EQ(vendors.MostCores("M4"), 10);
  EXPECT_EQ(vendors.BytePerS("M3 Max").size(), 2u);
  EXPECT_EQ(vendors.BytePerS("H100"), (std::vector<double>{3350e9, 2000e9}));
  EXPECT_EQ(vendors.MostCores("M9"), 0);
  EXPECT_TRUE(vendors.BytePerS("M9").empty());
  EXPECT_TRUE(vendors.BytePerS("").empty());
  EXPECT_EQ(vendors.Peak("NVIDIA H100 80GB HBM3", "bf16")->flop_per_s, 989.4e12);
  EXPECT_EQ(vendors.Peak("NVIDIA H100 PCIe", "f16")->flop_per_s, 756e12);
  EXPECT_EQ(vendors.Peak("H100", "f64"), nullptr);
  EXPECT_EQ(vendors.Peak("A1000", "f16"), nullptr);
}

TEST(LintVendorTest, SparsePeaks) {
  const auto claimed = [](const char* chip, const char* format, double tflops) {
    Claim claim = MakeClaim("peak", tflops, "TFLOPS");
    claim.chip = chip;
    claim.format = format;
    return RulesOf(LintOf(LintResults({}), {claim}));
  };
  EXPECT_EQ(claimed("H100", "f16", 1979), "sparse-peak peak 1979 TFLOPS (README)");
  EXPECT_EQ(claimed("H100", "f16", 989), "");
  EXPECT_EQ(claimed("H100", "f8", 1979), "");  // dense in that format
  EXPECT_EQ(claimed("H200", "f8", 3958), "sparse-peak peak 3958 TFLOPS (README)");
  EXPECT_EQ(claimed("A100", "bf16", 624), "sparse-peak peak 624 TFLOPS (README)");
  EXPECT_EQ(claimed("B200", "f16", 4500), "sparse-peak peak 4500 TFLOPS (README)");
  EXPECT_EQ(claimed("unknown", "f16", 4500), "");
}

TEST(LintVendorTest, SparsePeaksInRidgePointsCeilingsAndMfu) {
  Claim ridge = MakeClaim("ridge", 591, "FLOP/byte");
  ridge.chip = "H100";
  EXPECT_EQ(RulesOf(LintOf(LintResults({}), {ridge})), "sparse-peak ridge 591 FLOP/byte (README)");
  ridge.value = 295;
  EXPECT_EQ(RulesOf(LintOf(LintResults({}), {ridge})), "");
  Results results = LintResults(
      {LintRow("gemm/8192x8192x8192/bf16/cublaslt", {{"TFLOPS", 700}, {"MFU", 0.3537}})});
  results.machine.chip = "NVIDIA H200";
  results.machine.ceilings = {{"bf16", 1979e12}};
  EXPECT_EQ(RulesOf(LintOf(results)),
            "sparse-peak context.ceilings.bf16; sparse-peak MFU of "
            "gemm/8192x8192x8192/bf16/cublaslt");
}

TEST(LintVendorTest, FiguresThatTheVendorDoesNotGive) {
  const auto claimed = [](const char* what, const char* unit, const char* chip, double value) {
    Claim claim = MakeClaim(what, value, unit);
    claim.chip = chip;
    return RulesOf(LintOf(LintResults({}), {claim}));
  };
  EXPECT_EQ(claimed("spec_bandwidth", "GB/s", "Apple M5", 200),
            "spec-differs spec_bandwidth 200 GB/s (README)");
  EXPECT_EQ(claimed("spec_bandwidth", "GB/s", "Apple M5", 153), "");
  EXPECT_EQ(claimed("spec_bandwidth", "GB/s", "M3 Max", 300), "");
  EXPECT_EQ(claimed("spec_bandwidth", "GB/s", "M3 Max", 400), "");
  EXPECT_EQ(claimed("spec_bandwidth", "GB/s", "no such chip", 1), "");
  EXPECT_EQ(claimed("gpu_cores", "1", "M5", 12), "spec-differs gpu_cores 12 (README)");
  EXPECT_EQ(claimed("gpu_cores", "1", "M5", 10), "");
  EXPECT_EQ(claimed("gpu_cores", "1", "M5", 8), "");  // sold with fewer too
}

Results Chip(const char* chip, double tok_per_s, double read) {
  Results results =
      LintResults({LintRow("decode/m/f16/mlx", {{"tok/s", tok_per_s}}),
                   LintRow("decode/m/f16/prefill:512/mlx", {{"tok/s", 100 * tok_per_s}}),
                   LintRow("ceiling/read/f32/kb:1048576/threads:1/mlx", {{"GB/s", read}})});
  results.machine.chip = chip;
  results.machine.ceilings.clear();
  return results;
}

TEST(LintSpeedupTest, AQuotientOfCeilingsIsNotOneOfRows) {
  Claim claim = MakeClaim("speedup", 2.1, "x");
  claim.chip = "Apple M4 Pro";
  claim.over = "Apple M5";
  claim.of = "decode";
  const std::vector<Results> files = {Chip("Apple M5", 5.76, 118.4),
                                      Chip("Apple M4 Pro", 8.74, 253.2)};
  const std::vector<Finding> found = LintOf(files, {claim});
  ASSERT_EQ(RulesOf(found), "speedup-not-of-rows speedup of decode over Apple M5, 2.1 x (README)");
  EXPECT_NE(found[0].what.find("2.14 is the quotient of the read bandwidths"), std::string::npos)
      << found[0].what;
  claim.value = 1.5;
  EXPECT_EQ(RulesOf(LintOf(files, {claim})), "");
  claim.value = 3;  // of nothing
  EXPECT_EQ(LintOf(files, {claim}).size(), 1u);
  claim.over = "Apple M1";  // there is no such file
  EXPECT_EQ(RulesOf(LintOf(files, {claim})), "");
}

}  // namespace
}  // namespace wattline::roofline::lint_counts_test
