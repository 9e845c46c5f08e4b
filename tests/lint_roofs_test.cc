// The lint finds rows, claimed peaks and decode rates above what the machine can do.
#include <gtest/gtest.h>

#include "tests/lint_cases.h"

namespace wattline::roofline::lint_roofs_test {
namespace {

constexpr const char* kGemm = "gemm/512x512x512/f32/cpu";
constexpr const char* kDecode = "decode/m/f32/ctx:512/cpu";

TEST(LintRoofsTest, ARowFivePercentAboveItsPeakIsFound) {
  const auto at = [](double tflops) {
    return RulesOf(LintOf(LintResults({LintRow(kGemm, {{"TFLOPS", tflops}, {"GB/s", 1}})})));
  };
  EXPECT_EQ(at(0.419), "");
  EXPECT_EQ(at(0.421), "above-roof gemm/512x512x512/f32/cpu");
}

TEST(LintRoofsTest, TheSentenceHasTheNumbersAndTheFileHasNoFolder) {
  const std::vector<Finding> findings =
      LintOf(LintResults({LintRow(kGemm, {{"TFLOPS", 0.8}, {"GB/s", 1}})}));
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].file, "chip.json");
  EXPECT_EQ(findings[0].what, "0.8 TFLOPS are 2 times the f32 peak of cpu, 0.4 TFLOPS");
  EXPECT_FALSE(findings[0].remedy.empty());
}

// int8 reaches 1.6 TOP/s where f32 reaches 0.4: a row is held against what it computes in.
TEST(LintRoofsTest, EachRowHasThePeakOfItsArithmetic) {
  EXPECT_EQ(RulesOf(LintOf(LintResults(
                {LintRow("gemm/512x512x512/int8/onednn", {{"TFLOPS", 1.5}, {"GB/s", 1}}),
                 LintRow("gemm/1x4096x4096/q4_0/weights:cold/cpu", {{"TFLOPS", 0.6}, {"GB/s", 30}}),
                 LintRow("gemm/512x512x512/q4_0/cpu", {{"TFLOPS", 0.6}, {"GB/s", 1}}),
                 LintRow("gemm/512x512x512/f16/cpu", {{"TFLOPS", 0.6}, {"GB/s", 1}})}))),
            "above-roof gemm/512x512x512/f16/cpu");
}

// Accelerate's matrix units are no slower than they like; its bytes come from the same memory.
TEST(LintRoofsTest, AUnitWithoutACeilingHasNoPeakButTheMemoryIsTheSame) {
  EXPECT_EQ(RulesOf(LintOf(LintResults(
                {LintRow("gemm/512x512x512/f32/accelerate", {{"TFLOPS", 1.5}, {"GB/s", 1}}),
                 LintRow("gemm/1x4096x4096/f32/weights:cold/accelerate",
                         {{"TFLOPS", 0.02}, {"GB/s", 60}})}))),
            "above-roof gemm/1x4096x4096/f32/weights:cold/accelerate");
}

TEST(LintRoofsTest, TheIntervalOfAFitIsAllowed) {
  Fit fit;
  fit.machines.resize(1);
  fit.machines[0].chip = "chip";
  Roof roof;
  roof.key = {"f32", "cpu", 2, "DRAM"};
  roof.peak_flop_per_s = {400e9, 380e9, 450e9};
  roof.byte_per_s = {40e9, 39e9, 41e9};
  fit.machines[0].roofs = {roof};
  Results results = LintResults({LintRow(kGemm, {{"TFLOPS", 0.46}, {"GB/s", 1}})});
  results.machine.ceilings.clear();
  EXPECT_EQ(RulesOf(LintOf(results, {}, {}, &fit)), "");
  results.rows[0].counters["TFLOPS"] = 0.48;  // 450 x 1.05 = 472.5
  EXPECT_EQ(RulesOf(LintOf(results, {}, {}, &fit)), "above-roof gemm/512x512x512/f32/cpu");
}

// A ceiling row above the fit is the ceiling.
TEST(LintRoofsTest, RowsOfPeaksAreNotHeldAgainstThemselves) {
  EXPECT_EQ(RulesOf(LintOf(LintResults(
                {LintRow("ceiling/peak/f32/threads:2/cpu", {{"TFLOPS", 0.5}}),
                 LintRow(kGemm, {{"TFLOPS", 0.52}, {"GB/s", 1}}),
                 LintRow("gemm/1024x1024x1024/f32/cpu", {{"TFLOPS", 0.53}, {"GB/s", 1}})}))),
            "above-roof gemm/1024x1024x1024/f32/cpu");
}

// Rows whose bytes may lie in a cache pass the bandwidth of memory with right.
TEST(LintRoofsTest, OnlyRowsThatStreamAreHeldAgainstMemory) {
  const std::map<std::string, double> fast = {{"TFLOPS", 0.01}, {"GB/s", 43}};
  const char* cold = "gemm/1x4096x4096/f32/weights:cold/cpu";
  EXPECT_EQ(RulesOf(LintOf(LintResults({LintRow("dequant/4096x4096/q4_0/to:f32/cpu", fast),
                                        LintRow(kGemm, fast), LintRow(cold, fast)}))),
            std::string("above-roof ") + cold);
  // The ground moved: a probe beside the row saw memory give more.
  std::map<std::string, double> probed = fast;
  probed["ground_GB/s"] = 42;
  EXPECT_EQ(RulesOf(LintOf(LintResults({LintRow(cold, probed)}))), "");
}

// A GPU's rows are not held against the CPU's memory.
TEST(LintRoofsTest, EachDeviceHasItsOwnMemory) {
  EXPECT_EQ(RulesOf(LintOf(LintResults(
                {LintRow("gemm/1x4096x4096/f32/weights:cold/cuda", {{"GB/s", 4000}})}))),
            "");
}

TEST(LintDecodeTest, TokensTimesBytesAboveTheReadBandwidth) {
  // 10 tok/s of 4.3 GB are 43 GB/s; 42 are within 5 %.
  const auto at = [](double tok_per_s) {
    return RulesOf(
        LintOf(LintResults({LintRow(kDecode, {{"tok/s", tok_per_s}, {"weights_GB", 4.3}})})));
  };
  EXPECT_EQ(at(9.7), "");
  EXPECT_EQ(at(10), std::string("decode-above-bandwidth ") + kDecode);
  // Four sequences share one pass over the weights.
  EXPECT_EQ(RulesOf(LintOf(LintResults({LintRow("decode/m/f32/ctx:512/batch:4/cpu",
                                                {{"tok/s", 36}, {"weights_GB", 4.3}})}))),
            "");
}

TEST(LintDecodeTest, TheLawsBytesComeBeforeTheRowsWeights) {
  const KnownWorkOf known = [](const Row&) {
    KnownWork work;
    work.byte = 128 * 5e9;
    work.tokens = 128;
    return work;
  };
  const Results results = LintResults({LintRow(kDecode, {{"tok/s", 9}, {"weights_GB", 4}})});
  EXPECT_EQ(RulesOf(LintOf(results)), "");
  const std::vector<Finding> findings = LintOf(results, {}, known);
  ASSERT_EQ(RulesOf(findings), std::string("decode-above-bandwidth ") + kDecode);
  EXPECT_EQ(findings[0].what,
            "9 tok/s x 5 GB per token are 45 GB/s, but memory gives 40 GB/s (the roof of DRAM), "
            "enough for 8 tok/s");
}

TEST(LintDecodeTest, AClaimedDecodeRateThatIsThePrefills) {
  Claim claim = MakeClaim("decode", 300, "tok/s");
  const Row prefill = LintRow("decode/m/f32/prefill:512/cpu", {{"tok/s", 300.5}});
  const Row decode = LintRow(kDecode, {{"tok/s", 9}});
  EXPECT_EQ(RulesOf(LintOf(LintResults({prefill, decode}), {claim})),
            "prefill-as-decode decode 300 tok/s (README)");
  EXPECT_EQ(RulesOf(LintOf(LintResults({decode}), {claim})), "");
  claim.byte_per_token = 4e9;
  EXPECT_EQ(RulesOf(LintOf(LintResults({decode}), {claim})),
            "decode-above-bandwidth decode 300 tok/s (README)");
  claim.value = 9;
  EXPECT_EQ(RulesOf(LintOf(LintResults({prefill, decode}), {claim})), "");
  claim.what = "prefill";
  claim.value = 300;
  EXPECT_EQ(RulesOf(LintOf(LintResults({prefill, decode}), {claim})), "");
}

// Neither a read row nor a ceiling: the vendor's 100 GB/s of an M2 still bounds it.
TEST(LintDecodeTest, WithoutAnythingMeasuredTheVendorsBandwidthBounds) {
  Results results =
      LintResults({LintRow("decode/m/f16/mlx", {{"tok/s", 8}, {"weights_GB", 14.5}})});
  results.machine.chip = "Apple M2";
  results.machine.ceilings.clear();
  EXPECT_EQ(RulesOf(LintOf(results)), "decode-above-bandwidth decode/m/f16/mlx");
  results.rows[0].counters["tok/s"] = 6.7;
  EXPECT_EQ(RulesOf(LintOf(results)), "");
}

TEST(LintClaimedPeakTest, ARowAboveAPeakThatOneSweepGave) {
  Claim peak = MakeClaim("peak", 13.84, "TFLOPS");
  peak.format = "f16";
  const auto at = [&](double tflops) {
    return RulesOf(
        LintOf(LintResults({LintRow("attention/causal/f16/mlx", {{"TFLOPS", tflops}})}), {peak}));
  };
  EXPECT_EQ(at(13.9), "");  // the claim's rounding
  EXPECT_EQ(at(14.15), "above-claimed-peak attention/causal/f16/mlx");
  peak.chip = "H100";
  EXPECT_EQ(at(14.15), "");
}

}  // namespace
}  // namespace wattline::roofline::lint_roofs_test
