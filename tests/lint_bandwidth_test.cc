// The lint finds copies called reads, rates that swing, and GiB called GB.
#include <gtest/gtest.h>

#include "tests/lint_cases.h"

namespace wattline::roofline::lint_bandwidth_test {
namespace {

Results Memory(double read, double copy) {
  return LintResults({LintRow("ceiling/read/f32/kb:1048576/threads:1/mps", {{"GB/s", read}}),
                      LintRow("ceiling/copy/f32/kb:1048576/threads:1/mps", {{"GB/s", copy}})});
}

TEST(LintCopyTest, AReadFigureThatIsTheCopyAboveEveryRead) {
  const auto claimed = [](double value, double read) {
    Results results = Memory(read, 118.4);
    results.machine.ceilings.clear();
    return RulesOf(LintOf(results, {MakeClaim("read", value, "GB/s")}));
  };
  EXPECT_EQ(claimed(118.4, 114.1), "copy-as-read read 118.4 GB/s (README)");
  EXPECT_EQ(claimed(118, 114.1), "copy-as-read read 118 GB/s (README)");  // 0.34 % off
  EXPECT_EQ(claimed(117, 114.1), "");                                     // 1.2 % off
  EXPECT_EQ(claimed(118.4, 118.5), "");                                   // a read reaches it
  EXPECT_EQ(claimed(114.1, 114.1), "");
}

// Copies inside a cache are faster than memory reads and no one's source of a memory figure.
TEST(LintCopyTest, OnlyRowsBeyondTheCachesCount) {
  Results results =
      LintResults({LintRow("ceiling/read/f32/kb:1048576/threads:1/cpu", {{"GB/s", 100}}),
                   LintRow("ceiling/copy/f32/kb:512/threads:1/cpu", {{"GB/s", 200}})});
  results.machine.ceilings.clear();
  EXPECT_EQ(RulesOf(LintOf(results, {MakeClaim("read", 200, "GB/s")})), "");
  results.machine.caches = {{3, 200.0 * 1024}};
  EXPECT_EQ(RulesOf(LintOf(results, {MakeClaim("read", 200, "GB/s")})),
            "copy-as-read read 200 GB/s (README)");
}

TEST(LintCopyTest, ARidgePointOverTheCopy) {
  Results results = Memory(114.1, 118.4);
  results.machine.ceilings.clear();
  Claim peak = MakeClaim("peak", 13.84, "TFLOPS");
  peak.format = "f16";
  const auto ridge = [&](double value) {
    Claim claim = MakeClaim("ridge", value, "FLOP/byte");
    claim.format = "f16";
    return LintOf(results, {peak, claim});
  };
  const std::vector<Finding> found = ridge(116.9);  // 13840 / 118.4
  ASSERT_EQ(RulesOf(found), "copy-as-read ridge 116.9 FLOP/byte (README)");
  EXPECT_NE(found[0].what.find("the ridge 121.3 FLOP/byte"), std::string::npos) << found[0].what;
  EXPECT_EQ(RulesOf(ridge(121.3)), "");  // 13840 / 114.1
}

TEST(LintCopyTest, ARidgeCounterOverTheCopy) {
  Results results = Memory(36, 39);
  results.rows.push_back(
      LintRow("ceiling/levels/f32/per_octave:2/threads:2/cpu", {{"ridge_f32", 400.0 / 39}}));
  EXPECT_EQ(RulesOf(LintOf(results)), "copy-as-read ceiling/levels/f32/per_octave:2/threads:2/cpu");
  // Another sweep's read rate that happens to be near the copy's is no copy of it.
  results.rows.back().counters["ridge_f32"] = 400 / 39.05;
  EXPECT_EQ(RulesOf(LintOf(results)), "");
}

TEST(LintSwingTest, AFallAndARiseByHalfAsFootprintsGrow) {
  const auto writes = [](const std::vector<double>& rates) {
    Results results = LintResults({});
    for (size_t i = 0; i < rates.size(); ++i) {
      results.rows.push_back(
          LintRow("ceiling/write/f32/kb:" + std::to_string((i + 1) << 18) + "/threads:1/mps",
                  {{"GB/s", rates[i]}}));
    }
    return RulesOf(LintOf(results));
  };
  EXPECT_EQ(writes({68.3, 110.2, 54.8, 113.5, 46.3}),
            "rate-swings ceiling/write/f32/kb:1048576/threads:1/mps");
  EXPECT_EQ(writes({86.2, 170.5, 118.6, 120.7, 92.8}), "");
  EXPECT_EQ(writes({100, 60, 40, 30}), "");  // a larger cache, or pages that are remote
  EXPECT_EQ(writes({30, 60, 100}), "");
}

TEST(LintGibTest, WeightsInGib) {
  const KnownWorkOf known = [](const Row&) {
    KnownWork work;
    work.weight_byte = 14.48e9;
    return work;
  };
  const auto weights = [&](double gb) {
    return LintOf(LintResults({LintRow("decode/m/f16/ctx:0/mlx", {{"weights_GB", gb}})}), {},
                  known);
  };
  const std::vector<Finding> found = weights(14.48e9 / 1073741824.0);
  ASSERT_EQ(RulesOf(found), "gib-as-gb decode/m/f16/ctx:0/mlx");
  EXPECT_EQ(found[0].what, "weights_GB is 13.49, but there are 14.48 GB, 1.0737 times as much");
  EXPECT_EQ(RulesOf(weights(14.48)), "");
  EXPECT_EQ(RulesOf(weights(14)), "");
  EXPECT_EQ(RulesOf(weights(14.48 * 1.073741824)), "gib-as-gb decode/m/f16/ctx:0/mlx");
}

TEST(LintGibTest, FootprintsInGibAreOneFinding) {
  Results results = Memory(100, 100);
  for (Row& row : results.rows) row.counters["size_GB"] = 1;
  results.machine.ceilings.clear();
  const std::vector<Finding> found = LintOf(results);
  ASSERT_EQ(RulesOf(found), "gib-as-gb ceiling/read/f32/kb:1048576/threads:1/mps");
  EXPECT_EQ(found[0].also, std::vector<std::string>{"ceiling/copy/f32/kb:1048576/threads:1/mps"});
  for (Row& row : results.rows) row.counters["size_GB"] = 1.073741824;
  EXPECT_EQ(RulesOf(LintOf(results)), "");
}

TEST(LintGibTest, BandwidthFromBytesDividedByAGib) {
  const KnownWorkOf known = [](const Row&) {
    KnownWork work;
    work.byte = 20e9;
    return work;
  };
  const auto rate = [&](double gb_per_s) {
    return RulesOf(LintOf(
        LintResults({LintRow("gemm/512x512x512/f32/cpu", {{"GB/s", gb_per_s}}, 2)}), {}, known));
  };
  EXPECT_EQ(rate(10), "");
  EXPECT_EQ(rate(10 / 1.073741824), "gib-as-gb gemm/512x512x512/f32/cpu");
}

TEST(LintGibTest, AClaimedSize) {
  Claim size = MakeClaim("size", 1, "GB");
  size.byte = 1073741824.0;
  EXPECT_EQ(RulesOf(LintOf(LintResults({}), {size})), "gib-as-gb size 1 GB (README)");
  size.value = 1.0737;
  EXPECT_EQ(RulesOf(LintOf(LintResults({}), {size})), "");
}

}  // namespace
}  // namespace wattline::roofline::lint_bandwidth_test
